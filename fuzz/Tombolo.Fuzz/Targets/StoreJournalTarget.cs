// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Fuzz.Targets;

/// <summary>A journal of any bytes: read as a file, and its rest as entries; either is refused or gives a tree whose counts are right.</summary>
internal sealed class StoreJournalTarget : IFuzzTarget
{
    private readonly SafeFd _file = Memfd.Create("fuzz-journal", 16 << 10);
    private readonly Window _window;

    public StoreJournalTarget() => _window = Window.Map(_file);

    public string Name => "store-journal";

    public IReadOnlyList<byte[]> Words { get; } = [[1, 0, 0, 2, 0, (byte)'/', (byte)'a'], [2, 0, 0, 2, 0, (byte)'/', (byte)'b'], [3, 2, 0, (byte)'/', (byte)'a'], [4, 2, 0, (byte)'/', (byte)'a', 1, 0, 5, 0, 3], [20, 5, 0, 0, 0], "TTBJRN01"u8.ToArray()];

    public IEnumerable<byte[]> Seeds()
    {
        JournalWriter writer = new();
        writer.Change(new(ChangeKind.Write, "/a/b"u8.ToArray(), new(5), "value"u8.ToArray(), null));
        writer.Change(new(ChangeKind.Permissions, "/a"u8.ToArray(), default, [], StorePermissions.Parse("n0,r5")));
        writer.Change(new(ChangeKind.Make, "/c"u8.ToArray(), default, [], null));
        writer.Transaction(7, 1, isBegin: true);
        writer.DomainKnown(new(5), new DomainId(6));
        writer.Change(new(ChangeKind.Remove, "/a/b"u8.ToArray(), default, [], null));
        yield return [0, .. writer.Written];
        using Journal journal = Journal.Create(null, 4096, 1);
        journal.Append(writer.Written);
        journal.Publish();
        using Window window = Window.Map(journal.Descriptor);
        yield return [1, .. window.Own(0, 256)];
    }

    public string Run(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty) return "empty";
        StoreEngine engine = new(new(), new StoreRequestTarget.Sink());
        StoreRequestTarget.Replayer reader = new(engine);
        string outcome;
        if ((input[0] & 1) == 0) outcome = JournalEntries.TryRead(input[1..], reader) ? "entries" : "no entries";
        else
        {
            Span<byte> file = _window.Own(0, 16 << 10);
            file.Clear();
            ReadOnlySpan<byte> bytes = input[1..Math.Min(input.Length, file.Length)];
            bytes.CopyTo(file);
            outcome = Journal.TryRead(_file, null, reader, out _) is { } fault ? string.Concat(fault.Where(char.IsAsciiLetter).Take(20)) : "journal";
        }
        DomainCounts real = new();
        real.AddAll(engine.Root, 1);
        FuzzFinding.Require(real.All.All(pair => engine.Counts[pair.Key] == pair.Value), "The counts are wrong.");
        FuzzFinding.Require(Encoding.UTF8.GetByteCount(StoreRequestTarget.Dump(engine.Root)) >= 0, "The tree cannot be walked.");
        return outcome;
    }

    public void Dispose()
    {
        _window.Dispose();
        _file.Dispose();
    }
}
