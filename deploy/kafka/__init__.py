"""Apache Kafka without Docker: fetched once with Maven, run on loopback with the Java of this machine."""
