"""Figures for Prometheus, at ``/metrics`` where METRICS_TOKEN is set; without it nothing is counted.

counters    what each worker counts: requests, bytes, and requests to CouchDB
gauges      what is looked up when somebody asks: followers, jobs, migrations, memory
page        ``/metrics``
"""
