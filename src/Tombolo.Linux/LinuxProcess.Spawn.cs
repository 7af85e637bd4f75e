// SPDX-License-Identifier: MIT
using System.Collections;
using System.Runtime.InteropServices;
using System.Text;

namespace Tombolo.Linux;

/// <summary>How a child process ended.</summary>
/// <param name="Code">Its exit status, 0..255, or the number of the signal that killed it.</param>
/// <param name="BySignal">True where a signal killed it.</param>
public readonly record struct ProcessExit(int Code, bool BySignal)
{
    /// <inheritdoc/>
    public override string ToString() => BySignal ? $"killed by signal {Code}" : $"exit status {Code}";
}

public static partial class LinuxProcess
{
    private const int NativeObjectBytes = 512;   // over 336 (posix_spawnattr_t), 80 (posix_spawn_file_actions_t), 128 (sigset_t) of glibc on 64 bits
    private const short SetSignalDefaults = 0x04, SetSignalMask = 0x08, SetSession = 0x80;   // spawn.h
    private const int WriteOnly = 1, Create = 0x40, Append = 0x400;   // fcntl.h
    private const int IdIsPidFd = 3, WaitExited = 4, WaitNoHang = 1;   // sys/wait.h
    private const int CodeExited = 1;   // CLD_EXITED, siginfo_t.si_code

    /// <summary>Starts a program in a session of its own: a terminal's Ctrl-C does not reach it, and it outlives this process.</summary>
    /// <param name="program">Path of the program; no search.</param>
    /// <param name="arguments">What follows the program's name; passed on as they are, no shell reads them.</param>
    /// <param name="outputPath">Receives, appended, what it writes to standard output and standard error; made with mode 0600 where it does not exist. Standard input is /dev/null.</param>
    /// <returns>The child's process id. Only <see cref="TryReap"/> takes its exit status, and until then the id is not given to another process.</returns>
    /// <exception cref="LinuxException">The program or the output file cannot be opened; nothing was started.</exception>
    /// <exception cref="ArgumentException">An argument holds a NUL character.</exception>
    /// <remarks>The child has default signal handling, this process's environment and folder, and no descriptor of ours. Source: posix_spawn(3), glibc 2.34.</remarks>
    public static unsafe int StartInOwnSession(string program, IReadOnlyList<string> arguments, string outputPath)
    {
        using var argv = new NativeStrings([program, .. arguments]);
        using var envp = new NativeStrings(EnvironmentLines());
        byte* actions = stackalloc byte[NativeObjectBytes];
        byte* attributes = stackalloc byte[NativeObjectBytes];
        byte* signals = stackalloc byte[NativeObjectBytes];
        // SAFETY: each buffer is larger than the libc object that its own init call lays out in it; all live until the destroy calls below.
        Check(posix_spawn_file_actions_init(actions), "posix_spawn_file_actions_init", program);
        Check(posix_spawnattr_init(attributes), "posix_spawnattr_init", program);
        try
        {
            Check(posix_spawn_file_actions_addopen(actions, 0, "/dev/null", 0, 0), "posix_spawn_file_actions_addopen", "/dev/null");
            Check(posix_spawn_file_actions_addopen(actions, 1, outputPath, WriteOnly | Create | Append, 0x180 /* 0600 */), "posix_spawn_file_actions_addopen", outputPath);
            Check(posix_spawn_file_actions_adddup2(actions, 1, 2), "posix_spawn_file_actions_adddup2", outputPath);
            Check(posix_spawn_file_actions_addclosefrom_np(actions, 3), "posix_spawn_file_actions_addclosefrom_np", program);   // also those that we inherited open
            _ = sigemptyset(signals);
            Check(posix_spawnattr_setsigmask(attributes, signals), "posix_spawnattr_setsigmask", program);
            _ = sigfillset(signals);
            Check(posix_spawnattr_setsigdefault(attributes, signals), "posix_spawnattr_setsigdefault", program);   // .NET ignores SIGPIPE; a child must not inherit that
            Check(posix_spawnattr_setflags(attributes, SetSession | SetSignalDefaults | SetSignalMask), "posix_spawnattr_setflags", program);
            Check(posix_spawn(out int processId, program, actions, attributes, argv.Pointers, envp.Pointers), "posix_spawn", program);
            return processId;
        }
        finally
        {
            _ = posix_spawnattr_destroy(attributes);
            _ = posix_spawn_file_actions_destroy(actions);
        }
    }

    /// <summary>Sends a signal to exactly the process that a descriptor names, whatever has happened to its number since.</summary>
    /// <param name="process">From <see cref="TryOpen"/>; borrowed.</param>
    /// <param name="signal">What to send.</param>
    /// <returns>False where the process has ended.</returns>
    /// <exception cref="LinuxException">EPERM: it belongs to another user.</exception>
    /// <remarks>Source: pidfd_send_signal(2).</remarks>
    public static bool TrySignal(SafeFd process, Signal signal)
    {
        if (pidfd_send_signal(PidFdSendSignal, process, (nint)signal, 0, 0) == 0) return true;
        int errno = Marshal.GetLastPInvokeError();
        return errno == Errno.NoProcess ? false : throw new LinuxException("pidfd_send_signal", $"descriptor {process.Number}", errno);
    }

    /// <summary>Takes the exit status of an ended child, which frees its number.</summary>
    /// <param name="process">From <see cref="TryOpen"/>; borrowed.</param>
    /// <returns>How it ended, or null where it still runs, is no child of ours, or was reaped before.</returns>
    /// <remarks>Source: waitid(2) with P_PIDFD.</remarks>
    public static ProcessExit? TryReap(SafeFd process)
    {
        Span<int> info = stackalloc int[32];   // siginfo_t, 128 bytes: 0 signo | 2 code | on 64 bits 4 pid, 5 uid, 6 status
        info.Clear();
        if (waitid(IdIsPidFd, process, ref MemoryMarshal.GetReference(info), WaitExited | WaitNoHang) != 0 || info[4] == 0) return null;
        return new(info[6], info[2] != CodeExited);
    }

    private static IEnumerable<string> EnvironmentLines()
    {
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables()) yield return $"{entry.Key}={entry.Value}";
    }

    // posix_spawn and its kin return the error number and leave errno alone.
    private static void Check(int error, string call, string subject)
    {
        if (error != 0) throw new LinuxException(call, subject, error);
    }

    private const nint PidFdSendSignal = 424;   // the same on every architecture (asm-generic/unistd.h)

    /// <summary>A NULL-ended array of C strings in one block of native memory.</summary>
    private sealed unsafe class NativeStrings : IDisposable
    {
        public NativeStrings(IEnumerable<string> lines)
        {
            List<byte[]> encoded = [.. lines.Select(Encode)];
            nuint table = (nuint)((encoded.Count + 1) * sizeof(nint));
            // SAFETY: the block holds the table and every string with its NUL; both loops stay within those sums.
            Pointers = (byte**)NativeMemory.Alloc(table + (nuint)encoded.Sum(line => line.Length + 1));
            byte* at = (byte*)Pointers + table;
            for (int i = 0; i < encoded.Count; i++)
            {
                Pointers[i] = at;
                encoded[i].CopyTo(new Span<byte>(at, encoded[i].Length));
                at[encoded[i].Length] = 0;
                at += encoded[i].Length + 1;
            }
            Pointers[encoded.Count] = null;
        }

        public byte** Pointers { get; private set; }

        public void Dispose()
        {
            NativeMemory.Free(Pointers);
            Pointers = null;
        }

        private static byte[] Encode(string line) => line.Contains('\0', StringComparison.Ordinal)
            ? throw new ArgumentException($"The argument '{line.Replace("\0", "\\0", StringComparison.Ordinal)}' holds a NUL character, which no program can be given.", nameof(line))
            : Encoding.UTF8.GetBytes(line);
    }

    [LibraryImport("libc")] private static unsafe partial int posix_spawn_file_actions_init(byte* actions);
    [LibraryImport("libc")] private static unsafe partial int posix_spawn_file_actions_destroy(byte* actions);
    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)] private static unsafe partial int posix_spawn_file_actions_addopen(byte* actions, int fd, string path, int flags, uint mode);
    [LibraryImport("libc")] private static unsafe partial int posix_spawn_file_actions_adddup2(byte* actions, int fd, int newFd);
    [LibraryImport("libc")] private static unsafe partial int posix_spawn_file_actions_addclosefrom_np(byte* actions, int first);
    [LibraryImport("libc")] private static unsafe partial int posix_spawnattr_init(byte* attributes);
    [LibraryImport("libc")] private static unsafe partial int posix_spawnattr_destroy(byte* attributes);
    [LibraryImport("libc")] private static unsafe partial int posix_spawnattr_setflags(byte* attributes, short flags);
    [LibraryImport("libc")] private static unsafe partial int posix_spawnattr_setsigmask(byte* attributes, byte* signals);
    [LibraryImport("libc")] private static unsafe partial int posix_spawnattr_setsigdefault(byte* attributes, byte* signals);
    [LibraryImport("libc")] private static unsafe partial int sigemptyset(byte* signals);
    [LibraryImport("libc")] private static unsafe partial int sigfillset(byte* signals);
    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int posix_spawn(out int processId, string path, byte* actions, byte* attributes, byte** argv, byte** envp);
    [LibraryImport("libc", SetLastError = true)] private static partial int waitid(int kind, SafeFd process, ref int info, int options);
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint pidfd_send_signal(nint number, SafeFd process, nint signal, nint info, nint flags);
}
