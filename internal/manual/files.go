package manual

import (
	"strings"

	"unc/internal/cli"
)

// Files returns the text of all that is in share, by path below it. sample is
// network.conf.sample.
func Files(sample string) (map[string]string, error) {
	about, err := policy(sample)
	if err != nil {
		return nil, err
	}
	root := cli.Pages()
	files := map[string]string{
		"completion/unc.bash":         bash(root),
		"completion/_unc":             zsh(root),
		"completion/unc.fish":         fish(root),
		"man/man1/unc.1":              overview(root),
		"man/man5/unc-network.conf.5": about,
	}
	for _, p := range root.Commands {
		files["man/man1/"+pageName(p)+".1"] = command(root, p)
	}
	return files, nil
}

// pageName is the name of a command's man page: unc-run.
func pageName(p *cli.Page) string {
	return strings.TrimSuffix("unc-"+strings.ReplaceAll(p.Name, " ", "-"), "-")
}

// withoutHead is a script less its first lines, which are about the file that it is in.
func withoutHead(script string) string {
	_, rest, _ := strings.Cut(script, "\n\n")
	return rest
}

// every calls f for a page and those below it.
func every(p *cli.Page, f func(*cli.Page)) {
	f(p)
	for _, c := range p.Commands {
		every(c, f)
	}
}

// flags are all of a command's, those of every command included.
func flags(root, p *cli.Page) []cli.Option {
	var list []cli.Option
	for _, g := range p.Groups {
		list = append(list, g.Flags...)
	}
	if p != root {
		list = append(list, root.Groups[0].Flags...)
	}
	return list
}

// runsProgram tells whether the command's last argument is another command.
func runsProgram(p *cli.Page) bool {
	return len(p.Arguments) > 0 && p.Arguments[len(p.Arguments)-1].Rest
}

// brief is the beginning of a sentence, for the few columns that a completion has.
func brief(text string) string {
	for _, end := range []string{". ", "; ", ": "} {
		text, _, _ = strings.Cut(text, end)
	}
	return strings.TrimSuffix(text, ".")
}
