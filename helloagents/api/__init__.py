"""The glue of the REST API: addresses, versions, sign-in, errors, limits, schema.

What the API offers is in each app's `api`.
"""
