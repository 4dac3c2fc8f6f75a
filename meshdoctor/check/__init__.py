"""Whether meshdoctor can work here and Istio is installed whole: checks in categories."""
