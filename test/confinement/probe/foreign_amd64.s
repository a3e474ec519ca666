#include "textflag.h"

// func int80(nr uint32) int32
TEXT ·int80(SB), NOSPLIT, $0-12
	MOVL	nr+0(FP), AX
	XORL	BX, BX
	XORL	CX, CX
	XORL	DX, DX
	XORL	SI, SI
	XORL	DI, DI
	// The kernel clears R8 to R11 on this way in, or on older ones keeps them.
	INT	$0x80
	MOVL	AX, ret+8(FP)
	RET
