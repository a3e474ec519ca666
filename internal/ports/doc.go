// Package ports reads what is to be published: which port of the host leads to
// which port of the container. It makes no system call, and both sides of a
// container's start use it, the one without privilege and net-setup.
//
//	Parse         what a person wrote after -p, in Docker's and podman's syntax
//	Check         all that one command line publishes, together
//	String        one Mapping as it crosses to net-setup
//	ParseMapping  the same, read there; every other spelling is refused
//
// # What may stand after -p
//
//	8080:80                 port 8080 at every address of the host, IPv4 and IPv6
//	80                      the same, with a host port that is free
//	127.0.0.1:8080:80       at this address alone
//	127.0.0.1::80           at this address, with a host port that is free
//	[::1]:8080:80           an IPv6 address stands in brackets
//	0.0.0.0:8080:80         at every IPv4 address; [::] is every IPv6 address
//	8000-8009:80-89/udp     ten ports, one to one; tcp is meant where nothing is said
//
// # Limits
//
//	ports in one argument      1024
//	protocols                  tcp, udp
//	addresses                  no zone (%eth0), so none that is link-local IPv6; no IPv4 written
//	                           as IPv6, no multicast, not 255.255.255.255
//	ranges                     as many host ports as container ports: where Docker picks one
//	                           port out of a range of the host's, unc refuses
package ports
