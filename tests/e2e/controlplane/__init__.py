"""A real Kubernetes control plane, a stand-in kubelet and a real Prometheus for the end-to-end tests.

Real are etcd, kube-apiserver, kube-controller-manager, kube-scheduler and Prometheus. Stood in for are the
kubelet (kwok, with the stages of `stages.yaml`) and the applications (`traffic.py`: their metrics and health
probes). `make e2e` builds and starts all of it; everything listens on loopback and ends with the test run.
"""
