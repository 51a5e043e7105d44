"""Staff write lessons on the site: drafts, publishing, versions, and files that changed as well."""
