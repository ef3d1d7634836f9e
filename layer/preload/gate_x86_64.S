// The gate: from a patched system call site to farside_dispatch and back.
//
// A site's stub has redone the instruction that the patch replaced, stepped over the red zone and
// called here. At this point every register is as the program had it before its `syscall`
// instruction: rax the number, rdi rsi rdx r10 r8 r9 the arguments; rcx and r11 are free, since
// `syscall` destroys them. The library is compiled without vector registers, so there are none to
// save. Answers in r11d: 1, the call is answered and rax holds the result; 0, rax is as it was and
// the stub goes on to the original `syscall` instruction, at its original address.
//
//     rbp ->  saved rbp
//     below it    struct call_frame: number, arguments[6], result, why; then padding
        .text
        .hidden farside_gate
        .globl  farside_gate
        .type   farside_gate, @function
farside_gate:
        .cfi_startproc
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset 6, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register 6
        subq    $80, %rsp
        andq    $-16, %rsp
        movq    %rax, (%rsp)
        movq    %rdi, 8(%rsp)
        movq    %rsi, 16(%rsp)
        movq    %rdx, 24(%rsp)
        movq    %r10, 32(%rsp)
        movq    %r8, 40(%rsp)
        movq    %r9, 48(%rsp)
        movq    %rsp, %rdi
        call    farside_dispatch
        movl    %eax, %r11d
        // The frame's argument words are the saved registers: a handler must not change them.
        movq    8(%rsp), %rdi
        movq    16(%rsp), %rsi
        movq    24(%rsp), %rdx
        movq    32(%rsp), %r10
        movq    40(%rsp), %r8
        movq    48(%rsp), %r9
        movq    (%rsp), %rax
        testl   %r11d, %r11d
        cmovnz  56(%rsp), %rax
        leave
        .cfi_def_cfa 7, 8
        ret
        .cfi_endproc
        .size   farside_gate, .-farside_gate

        .section .note.GNU-stack, "", @progbits
