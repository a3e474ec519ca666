// Package name says what a container can be called, and makes names up.
//
// A name is one label of DNS, because that is what the container's neighbours look
// it up by; and it is a part of the name of a link, of a path and of a host name, so
// that there is nothing in it that any of these reads in its own way. All of unc that
// is told a name checks it here, net-setup included.
package name
