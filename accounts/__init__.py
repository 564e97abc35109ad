"""Tenants: accounts and their users, sign-in, and the API of both. Each line uses only those below it.

api                  viewsets and their paths
auth                 tokens, sign-in, permissions, rate limits, and the cache of accounts and users
creation, users      new accounts; the users of an account
accounts, listing    one account, read and changed; pages of accounts and users
account_index        searches over all accounts
auth.credentials     hashes and API keys
"""
