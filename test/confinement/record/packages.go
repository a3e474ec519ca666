package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// unpackDocker puts Docker's programs into the directory bin of work.
func unpackDocker(work, programs string) error {
	bin := filepath.Join(work, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return err
	}
	fetch := exec.Command("apt-get", "download", "docker.io", "containerd")
	fetch.Dir = work
	if out, err := fetch.CombinedOutput(); err != nil {
		return fmt.Errorf("fetching Debian's packages: %w\n%s", err, out)
	}
	packages, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil {
		return err
	}
	for _, name := range packages {
		// Not installed: that would start services, and leave them.
		if err := run("dpkg", "-x", name, filepath.Join(work, "debian")); err != nil {
			return err
		}
	}
	dirs := []string{filepath.Join(work, "debian/usr/bin"), filepath.Join(work, "debian/usr/sbin")}
	if programs != "" {
		dirs = append(dirs, programs)
	}
	for _, dir := range dirs {
		if err := linkAll(bin, dir); err != nil {
			return err
		}
	}
	return nil
}

// linkAll links every file of a directory into bin, and replaces what is there.
func linkAll(bin, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		link := filepath.Join(bin, e.Name())
		_ = os.Remove(link)
		if err := os.Symlink(filepath.Join(dir, e.Name()), link); err != nil {
			return err
		}
	}
	return nil
}
