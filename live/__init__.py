"""Changes for browsers, over Kazoo's websocket protocol.

server      accepts connections, and limits them
connection  one client: its messages, subscriptions and events
bindings    what a client may subscribe to
changes     reads what happens in the accounts that somebody listens to
"""
