#!/bin/zsh
# What the functions that zsh.go writes take from unc, by the sources of source.go;
# NETWORKS stands for the kinds of network.

_unc_containers() {
	local -a all=(${argv[(r)-a]})
	local -a names=(${(f)"$(_call_program containers $unc ps $all --format '{{.Name}}' 2>/dev/null)"})
	_describe -t containers container names
}

_unc_networks() {
	local -a kinds=(NETWORKS)
	_describe -t networks network kinds
	if compset -P container:; then
		_unc_containers
	else
		compadd -S '' -- container:
	fi
}
