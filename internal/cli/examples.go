package cli

// examples has one for every command and for every group of its flags, and for unc as a
// whole what to type first. A test reads each line as unc would.
var examples = [...]struct{ command, group, text, line string }{
	{"", "", "a shell in a throw-away copy of this machine's own system", "unc run sh"},
	{"", "", "a web server in a root file system of yours, left running, at localhost:8080", "unc run -d --name web -p 8080:80 --rootfs ./busybox httpd -f -h /www"},
	{"", "", "a shell in it", "unc exec web sh"},

	{"run", "", "a shell in a directory that holds a root file system", "unc run --rootfs ./debian bash"},
	{"run", "Life", "left running under a name, of which unc ps, logs, exec and stop know", "unc run -d --name web --rootfs ./busybox httpd -f -h /www"},
	{"run", "Files", "lend it a directory; all else can't be changed", "unc run --read-only -v ./data:/data sh"},
	{"run", "Identity", "as the root file system's user www-data, with a variable", "unc run --rootfs ./debian -u www-data -e LANG=C.UTF-8 sh"},
	{"run", "Network", "found as web by other containers, and at port 8080 of this machine", "unc run --name web -p 8080:80 httpd -f -h /www"},
	{"run", "Limits", "half a gigabyte, one and a half processors, a hundred processes", "unc run -m 512m --cpus 1.5 --pids-limit 100 sh"},
	{"run", "Security", "none of root's capabilities but one", "unc run --cap-drop ALL --cap-add NET_BIND_SERVICE sh"},

	{"exec", "", "a shell beside what runs there", "unc exec web sh"},
	{"exec", "", "as another user, in a directory", "unc exec -u www-data -w /srv web ls -l"},
	{"ps", "", "names and addresses", "unc ps --format '{{.Name}} {{.Address}}'"},
	{"logs", "", "the last ten lines, and all that follow", "unc logs -f -n 10 web"},
	{"attach", "", "type into its terminal (unc run -dit); ctrl-p ctrl-q leaves it running", "unc attach web"},
	{"stop", "", "with a minute to finish", "unc stop -t 60 web"},
	{"kill", "", "have a server read its configuration again", "unc kill -s HUP web"},
	{"wait", "", "until it has ended, and then its exit code", "unc wait web"},
	{"port", "", "where port 80 of the container can be reached", "unc port web 80"},
	{"inspect", "", "one thing of all that is known", "unc inspect --format '{{.Network.Address}}' web"},
	{"rm", "", "all that have failed", "unc rm --all"},

	{"doctor", "", "what keeps unc from working here, and the commands that help", "unc doctor"},

	{"unshare", "", "remove a tree that a container has filled with users' files", "unc unshare rm -rf ./debian"},

	{"net", "", "who is on the network, for programs to read", "unc net --format json"},
	{"net show", "", "bridge, filter and all addresses", "unc net show"},
	{"net reload", "", "after nft flush ruleset", "unc net reload"},
}
