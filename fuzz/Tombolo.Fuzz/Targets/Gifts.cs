// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Fuzz.Targets;

/// <summary>Descriptors of every kind, to send where another kind is expected; and a count of what is open, to see that none stays.</summary>
internal sealed class Gifts : IDisposable
{
    private const int Slack = 64;   // what the runtime, and sessions under way, may have open for a moment
    private readonly List<SafeFd> _all = [];
    private readonly int _openAtStart;
    private int _checks;

    public Gifts()
    {
        Memory = Add(Memfd.Create("fuzz", 1 << 16));
        Event = Add(EventFd.Create());
        _ = Add(Memfd.Create("empty", 0));
        _ = Add(SharedFile.Open("/dev/null"));
        _ = Add(SharedFile.Open("/dev", readOnly: true));
        (SafeFd first, SafeFd second) = UnixSocket.Pair(UnixSocketKind.Stream);
        _ = Add(first);
        _ = Add(second);
        (first, second) = Pipe.Create();
        while (Pipe.Write(second, new byte[4096]).IsMoved) { }   // a full one
        _ = Add(first);
        _ = Add(second);
        SafeFd sealedMemory = Add(Memfd.Create("read-only", 4096));
        Memfd.Add(sealedMemory, Seals.Write | Seals.Shrink | Seals.Grow | Seals.Seal);
        SafeFd full = Add(EventFd.Create());
        _ = Pipe.Write(full, BitConverter.GetBytes(ulong.MaxValue - 1));
        foreach (Seals seals in (Seals[])[Seals.Shrink | Seals.Grow | Seals.Seal, Seals.Shrink | Seals.Grow | Seals.Seal | Seals.FutureWrite])
        {
            SafeFd granted = Add(Memfd.Create("granted", 4096));
            MemoryMapping.Map(granted, 4096).Dispose();
            Memfd.Add(granted, seals);
        }
        _openAtStart = ResourceLimit.CountOpenFiles();
    }

    /// <summary>64 KiB of memory.</summary>
    public SafeFd Memory { get; }

    /// <summary>An eventfd.</summary>
    public SafeFd Event { get; }

    /// <summary>One of them: 1 gives the memory, 2 the eventfd, then the odd ones; 0 and every other number nothing.</summary>
    public SafeFd[] Choose(int number) => number >= 1 && number <= _all.Count ? [_all[number - 1]] : [];

    /// <summary>Now and then looks whether descriptors were lost.</summary>
    public void CheckOpenFiles()
    {
        if (++_checks % 128 != 0) return;
        int open = ResourceLimit.CountOpenFiles();
        FuzzFinding.Require(open <= _openAtStart + Slack, $"{open - _openAtStart} more descriptors are open than at the start, after {_checks} inputs: {Newest()}.");
    }

    private static string Newest() => string.Join(", ", new DirectoryInfo("/proc/self/fd").GetFiles().OrderByDescending(file => file.Name.Length).ThenByDescending(file => file.Name, StringComparer.Ordinal).Take(12).Select(file => file.LinkTarget));

    public void Dispose() => _all.ForEach(fd => fd.Dispose());

    private SafeFd Add(SafeFd fd)
    {
        _all.Add(fd);
        return fd;
    }
}
