"""The message broker: events and lamps in Kazoo's form, for what listens in a Kazoo and for programs like it.

publications   exchanges, routing keys, and the members that every payload has
broker         a connection to RabbitMQ, which confirms what it got
consumer       publishes events; the broker confirms them before the position moves
lamps          message waiting indication: whose lamps a mailbox's messages light
lamp_changes   mailboxes whose messages changed, for a moment, so that several changes make one lamp
queries        answers those who ask for a lamp
"""
