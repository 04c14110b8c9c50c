"""Load on a gRPC method: closed-loop callers with prepared requests, cheap enough to share cores with the server.

A gRPC library spends as much processor time on a call as the server does, so that on one machine half of what
is measured would be the measuring. Here the request is bytes made once, the reply is counted and thrown away,
and only the frames of HTTP/2 in between are read and written.
"""
