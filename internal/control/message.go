package control

// Verb is what a Request asks for.
type Verb string

const (
	Signal  Verb = "signal"  // send the container Request.Signal
	Wait    Verb = "wait"    // say when it has ended, and with which code
	Network Verb = "network" // say how its network can be shared
	Attach  Verb = "attach"  // hand over its standard input
	Follow  Verb = "follow"  // say when it has ended, and leave its log until that is opened
	Exec    Verb = "exec"    // run Request.Command in it
)

// Request begins a conversation.
type Request struct {
	Verb    Verb     `json:"verb"`
	Signal  int      `json:"signal,omitempty"`
	Stop    bool     `json:"stop,omitempty"` // the signal, whichever it is, is to end it
	Command *Command `json:"command,omitempty"`
}

// Command is one more command for a container.
type Command struct {
	Args    Texts `json:"args"`
	Env     Texts `json:"env,omitempty"`     // "NAME=value", beside and before the container's own
	Workdir Text  `json:"workdir,omitempty"` // empty: the container's
	User    Text  `json:"user,omitempty"`    // as --user has it; empty: the container's

	// Terminal says which of its streams become a terminal of the container's.
	Terminal [3]bool `json:"terminal"`

	// Detach lets the command go on without who asked for it.
	Detach bool `json:"detach,omitempty"`
}

// Order is what a client says in the course of a conversation.
type Order struct {
	Go     bool `json:"go,omitempty"`
	Signal int  `json:"signal,omitempty"`
}

// Reply is all that a supervisor says.
type Reply struct {
	Failed   *Failure `json:"failed,omitempty"`
	Terminal bool     `json:"terminal,omitempty"` // the descriptor that comes along is one's controlling side
	Started  bool     `json:"started,omitempty"`
	Code     *int     `json:"code,omitempty"` // an exit code, as unc run has it
	Peer     *Peer    `json:"peer,omitempty"`
}

// Peer is a container whose network another one shares. A pidfd of its first process and
// the network namespace come along.
type Peer struct {
	Hosts  string `json:"hosts"`  // what it has in hosts(5)
	Resolv string `json:"resolv"` // and in resolv.conf(5)
}

// Failure is an error that crosses: it is printed on the other side.
type Failure struct {
	Text  string   `json:"text"`
	Hints []string `json:"hints,omitempty"`
	Code  int      `json:"code"` // the exit code that it means for unc
}
