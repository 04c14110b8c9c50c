"""What is told of calls beside their answers: request ids, access log, exemplars, traces, captured requests."""
