"""The pages of API keys with scopes."""
