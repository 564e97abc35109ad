"""One search over all accounts, in the header of every page: its suggestions and its page of results."""
