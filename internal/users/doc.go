// Package users finds out who a user of a container is, from the container's own
// passwd(5) and group(5).
//
// A rootfs is hostile: its /etc may be a link to the host's, its passwd a FIFO that
// nobody writes to, a device, a file without end, or anything but lines of seven
// fields. So the files are opened below the rootfs, with every link resolved inside
// it, without waiting, only if they are regular, and are read up to a limit. Lines
// that are none are passed over, as the C library does: a user whose number can't be
// read does not exist, and is not root.
//
// A user is given as podman and Docker have it: UID, UID:GID, NAME or NAME:GROUP, and
// any of their mixtures. What is all digits is a number, never a name. Numbers need no
// entry; what has none is in group 0 and at home in "/". An explicit group is the
// only one; without it the user has that of his entry, and all that list him.
//
// Whether those ids exist in the container is not known here; see idmap.
package users
