// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>Lets this process outlive SIGBUS in mappings of other parties' memory: who shrinks a file that others have mapped would otherwise end them.</summary>
/// <remarks>
/// Theory of operation. A handler finds the range in which the fault lies, counts it, puts an empty page of this process's own in the missing one's place, and returns: the
/// instruction is done again and goes on with zeros. Whoever owns the mapping sees the count and lets go of it. A fault outside all ranges goes to the handler that was there
/// before (the runtime's), and ends the process as ever. The handler is a few instructions of machine code, because no managed code can run where a signal may arrive. It
/// calls nothing but mmap(2), and reads nothing but the table, whose entries become valid and invalid by one store each. x86-64 only.
/// Source: sigaction(2); the System V ABI, "Calling sequence"; Intel's manual, volume 2, for the encodings.
/// </remarks>
public static unsafe partial class BusErrorGuard
{
    private const int BusError = 7, SigInfo = 4, Entries = 8192, EntryBytes = 32, HeaderBytes = 64;   // SIGBUS, SA_SIGINFO
    private const int Start = 0, End = 8, Count = 16, Page = 24;                                        // of an entry
    private const int ActionBytes = 152, FlagsAt = 136;                                                 // struct sigaction of glibc: handler (8), mask (128), flags (4)
    private const int ProtectRead = 1, ProtectWrite = 2, ProtectExecute = 4, PrivateAnonymous = 0x22;
    private static readonly Lock _lock = new();
    private static readonly Stack<int> _free = new();
    private static byte* _table;   // the count of all faults, then the entries; never unmapped

    /// <summary>Whether there is a handler for this processor.</summary>
    public static bool IsSupported => RuntimeInformation.ProcessArchitecture == Architecture.X64;

    /// <summary>How many faults there were, in all ranges together; cheap enough to be looked at again and again.</summary>
    public static long Faults => _table is null ? 0 : Volatile.Read(ref *(long*)_table);

    /// <summary>Guards a mapping until what is returned is disposed, which must be before the mapping is.</summary>
    /// <param name="mapping">The mapping.</param>
    /// <param name="pageBytes">The size of its pages: that of the machine, or a huge page's.</param>
    /// <returns>The guard; null where there are too many, or no handler for this processor.</returns>
    /// <exception cref="LinuxException">The kernel refused the handler.</exception>
    public static GuardedRange? TryGuard(MemoryMapping mapping, long pageBytes)
    {
        if (!IsSupported) return null;
        lock (_lock)
        {
            if (_table is null) Install();
            if (!_free.TryPop(out int index)) return null;
            long* entry = EntryAt(index);
            (entry[Start / 8], entry[Count / 8], entry[Page / 8]) = (mapping.Address, 0, pageBytes);
            Volatile.Write(ref entry[End / 8], mapping.Address + mapping.LengthBytes);   // from here on it counts
            return new(index);
        }
    }

    internal static long FaultsOf(int index) => Volatile.Read(ref EntryAt(index)[Count / 8]);

    internal static void Release(int index)
    {
        lock (_lock)
        {
            Volatile.Write(ref EntryAt(index)[End / 8], 0);
            _free.Push(index);
        }
    }

    // SAFETY: the index was given out by TryGuard, and the table stays for ever.
    private static long* EntryAt(int index) => (long*)(_table + HeaderBytes + (index * EntryBytes));

    private static void Install()
    {
        byte* table = Map(HeaderBytes + (Entries * EntryBytes)), code = Map(Environment.SystemPageSize);
        byte* action = stackalloc byte[ActionBytes];
        // SAFETY: a glibc struct sigaction has 152 bytes on x86-64; the code fits into its page, and both mappings stay for ever.
        _ = LinuxException.ThrowIfFailed(sigaction(BusError, null, action), "sigaction", "SIGBUS");
        Write(new(code, Environment.SystemPageSize), table, *(long*)action);
        _ = LinuxException.ThrowIfFailed(mprotect(code, (nuint)Environment.SystemPageSize, ProtectRead | ProtectExecute), "mprotect", "the SIGBUS handler");
        *(byte**)action = code;
        *(int*)(action + FlagsAt) |= SigInfo;
        _ = LinuxException.ThrowIfFailed(sigaction(BusError, action, null), "sigaction", "SIGBUS");
        for (int i = Entries - 1; i >= 0; i--) _free.Push(i);
        _table = table;
    }

    private static byte* Map(int bytes)
    {
        byte* start = mmap(null, (nuint)bytes, ProtectRead | ProtectWrite, PrivateAnonymous, -1, 0);
        return start == (byte*)-1 ? throw LinuxException.Last("mmap", $"{bytes} bytes") : start;
    }

    // void handler(int signal in edi, siginfo_t *info in rsi, void *context in rdx)
    private static void Write(Span<byte> code, byte* table, long before)
    {
        int at = 0;
        Emit(code, ref at, [0x48, 0x8b, 0x46, 0x10]);                      // mov rax, [rsi+16]          the address: si_addr
        Emit(code, ref at, [0x49, 0xb8], (long)(table + HeaderBytes));     // mov r8, entries
        Emit(code, ref at, [0xb9, .. BitConverter.GetBytes(Entries)]);     // mov ecx, how many
        Emit(code, ref at, [0x49, 0x3b, 0x00, 0x72, 0x06]);                // next: cmp rax, [r8+Start]; jb other
        Emit(code, ref at, [0x49, 0x3b, 0x40, End, 0x72, 0x14]);           // cmp rax, [r8+End]; jb found
        Emit(code, ref at, [0x49, 0x83, 0xc0, EntryBytes]);                // other: add r8, EntryBytes
        Emit(code, ref at, [0xff, 0xc9, 0x75, 0xed]);                      // dec ecx; jnz next
        if (before > 1) Emit(code, ref at, [0x48, 0xb8], before, [0xff, 0xe0]);                // mov rax, the handler before; jmp rax
        else Emit(code, ref at, [0x0f, 0x0b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);                   // there was none: ud2 ends the process
        Emit(code, ref at, [0xf0, 0x49, 0xff, 0x40, Count]);               // found: lock inc qword [r8+Count]
        Emit(code, ref at, [0x49, 0xbb], (long)table, [0xf0, 0x49, 0xff, 0x03]);               // mov r11, the count of all; lock inc qword [r11]
        Emit(code, ref at, [0x49, 0x8b, 0x70, Page]);                      // mov rsi, [r8+Page]         length: one page
        Emit(code, ref at, [0x48, 0x89, 0xf7, 0x48, 0xf7, 0xdf, 0x48, 0x21, 0xc7]);            // mov rdi, rsi; neg rdi; and rdi, rax     its start
        Emit(code, ref at, [0xba, ProtectRead | ProtectWrite, 0, 0, 0]);   // mov edx, protection
        Emit(code, ref at, [0x41, 0xba, PrivateAnonymous | 0x10, 0, 0, 0]);                    // mov r10d, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
        Emit(code, ref at, [0x49, 0xc7, 0xc0, 0xff, 0xff, 0xff, 0xff, 0x45, 0x31, 0xc9]);      // mov r8, -1; xor r9d, r9d                no file, offset 0
        Emit(code, ref at, [0xb8, 9, 0, 0, 0, 0x0f, 0x05]);                // mov eax, mmap; syscall
        Emit(code, ref at, [0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff, 0x77, 0x01, 0xc3, 0x0f, 0x0b]);   // cmp rax, -4096; ja +1; ret; ud2     no memory: the process ends
    }

    private static void Emit(Span<byte> code, ref int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(code[at..]);
        at += bytes.Length;
    }

    private static void Emit(Span<byte> code, ref int at, ReadOnlySpan<byte> bytes, long word, ReadOnlySpan<byte> rest = default)
    {
        Emit(code, ref at, bytes);
        BinaryPrimitives.WriteInt64LittleEndian(code[at..], word);
        at += sizeof(long);
        Emit(code, ref at, rest);
    }

    [LibraryImport("libc", SetLastError = true)] private static partial int sigaction(int signal, byte* action, byte* before);
    [LibraryImport("libc", SetLastError = true)] private static partial byte* mmap(byte* hint, nuint length, int protection, int flags, int fd, long offset);
    [LibraryImport("libc", SetLastError = true)] private static partial int mprotect(byte* start, nuint length, int protection);
}
