"""API keys with scopes: credentials of an account or a user that may do less than their owner, until revoked.

Kazoo knows no such keys. It passes their documents by, which are in the account's database as all of its things.
"""
