"""Media: greetings of mailboxes, prompts and music, as documents of their account, each with its audio."""
