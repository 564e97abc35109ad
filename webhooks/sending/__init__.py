"""What is sent for a webhook, and how.

payloads   what an event says        requests   a request with it        transfer   one request over libcurl
addresses  where requests may go
"""
