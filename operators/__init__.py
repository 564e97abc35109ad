"""The front door: operators, how they sign in, their sessions, second factors and limits."""
