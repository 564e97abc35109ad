"""The endpoints of boxes and messages: each asks the domain modules beside this package, and answers."""
