"""Bring a course written as Markdown files into the database, as often as the files change.

`source` reads the files (nothing of the database), `plan` compares them with what is stored, `write`
applies the difference in one transaction. Readers' work hangs on lessons, so a lesson found again keeps
its row and its slug, whatever its number, title or file became.
"""
