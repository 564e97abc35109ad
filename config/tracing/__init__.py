"""Traces for an OpenTelemetry collector and errors for Sentry, where settings name them; without personal data.

setup           what each process calls when it starts; what is off is not imported
faults          what is wrong with the settings
spans           requests, calls to CouchDB, jobs, deliveries
error_reports   what Sentry hears of an error
request_ids     which ids of requests may be told
"""
