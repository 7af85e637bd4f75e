// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging.Abstractions;
using Tombolo.Linux;

namespace Tombolo.Store.Tests;

/// <summary>The journal's file: what was written is read, what was half written is not, what is damaged is said.</summary>
public sealed class JournalTests : IDisposable
{
    private readonly Testing.TemporaryFolder _folder = new();

    private string File => _folder["journal"];

    [Fact]
    public void Journal_GivesTheGoldenBytes()
    {
        JournalWriter writer = new();
        writer.Change(new(ChangeKind.Write, "/a"u8.ToArray(), new(5), "v"u8.ToArray(), null));
        writer.Change(new(ChangeKind.Make, "/b"u8.ToArray(), new(0), [], null));
        writer.Change(new(ChangeKind.Remove, "/b"u8.ToArray(), new(0), [], null));
        writer.Change(new(ChangeKind.Permissions, "/a"u8.ToArray(), new(0), [], StorePermissions.Parse("n0,r5")));
        Convert.ToHexStringLower(writer.Written).ShouldBe("010500" + "02002f61" + "0100000076" + "020000" + "02002f62" + "03" + "02002f62" + "04" + "02002f61" + "0200" + "000000" + "050001");
        using Journal journal = Journal.Create(File, 4096, epoch: 3);
        journal.Append(writer.Written);
        journal.Publish();
        byte[] bytes = System.IO.File.ReadAllBytes(File);
        Convert.ToHexStringLower(bytes.AsSpan(0, 72)).ShouldBe("545442" + "4a524e3031" + "0100000000000000" + "0300000000000000" + "7000000000000000" + new string('0', 64) + "25000000" + "055b5ce6");
    }

    [Fact]
    public void Tail_CutAtAnyByte_GivesTheRecordsBeforeIt()
    {
        using (Journal journal = Journal.Create(File, 4096, epoch: 1))
        {
            journal.Publish();
            for (int i = 0; i < 5; i++) journal.Append(Write($"/n{i}", new string('x', i * 3)));
        }
        byte[] whole = System.IO.File.ReadAllBytes(File);
        List<int> ends = [Journal.HeaderBytes];
        for (int i = 0; i < 5; i++) ends.Add(ends[^1] + (int)Journal.Needed(Write($"/n{i}", new string('x', i * 3)).Length));
        for (int cut = Journal.HeaderBytes; cut <= ends[^1]; cut++)
        {
            byte[] torn = [.. whole];
            torn.AsSpan(cut).Clear();
            System.IO.File.WriteAllBytes(File, torn);
            Collected found = Read(out string? fault, out _);
            fault.ShouldBeNull();
            int expected = ends.Count(end => end <= cut) - 1;
            found.Paths.Count.ShouldBeInRange(expected, expected + 1, $"cut at {cut}");   // one more where only zeros were cut off
            found.Paths.ShouldBe(Enumerable.Range(0, found.Paths.Count).Select(i => $"/n{i}"));
        }
    }

    [Fact]
    public void AnyByteChanged_GivesNoWrongEntry()
    {
        using (Journal journal = Journal.Create(File, 4096, epoch: 1))
        {
            for (int i = 0; i < 3; i++) journal.Append(Write($"/n{i}", "value"));
            journal.Publish();
        }
        byte[] whole = System.IO.File.ReadAllBytes(File);
        for (int at = 0; at < Journal.HeaderBytes + (3 * (int)Journal.Needed(Write("/n0", "value").Length)); at++)
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x10;
            System.IO.File.WriteAllBytes(File, damaged);
            Collected found = Read(out string? fault, out _);
            found.Paths.ShouldBe(Enumerable.Range(0, found.Paths.Count).Select(i => $"/n{i}"));
            if (found.Paths.Count < 3) fault.ShouldNotBeNull($"byte {at}: what it began with is missing, and nobody is told");
        }
    }

    [Fact]
    public void OtherVersion_IsRefused()
    {
        using (Journal journal = Journal.Create(File, 4096, epoch: 1)) journal.Publish();
        byte[] bytes = System.IO.File.ReadAllBytes(File);
        bytes[8] = 2;
        System.IO.File.WriteAllBytes(File, bytes);
        _ = Read(out string? fault, out _);
        fault.ShouldBe("is of version 2; this program reads version 1");
    }

    [Fact]
    public void Compaction_GivesTheSameTree_AndNeverEndsWithoutAJournal()
    {
        using StoreMemory memory = StoreMemory.Create(4);
        using Persistence persistence = new(new() { SocketPath = "unused", JournalPath = File, JournalBytes = 4096 }, memory, NullLogger.Instance) { Engine = null! };
        StoreEngine engine = new(new(), persistence);
        persistence.Engine = engine;
        persistence.TryCompact(0).ShouldBeTrue();
        MemorySession session = new(engine), five = new(engine, 5);
        session.Write("/five", "");
        session.Allow("/five", "b5");
        Random random = new(4711);
        for (int i = 0; i < 3000; i++)
        {
            string path = $"/five/{random.Next(40)}/{random.Next(3)}";
            _ = random.Next(5) == 0 ? five.Remove(path) : five.Write(path, new string('v', random.Next(60)));
            persistence.Commit([]);
        }
        persistence.Journal!.Epoch.ShouldBeGreaterThan(3u);
        StoreEngine again = new(new(), new OpenSink());
        using SafeFd fd = SharedFile.Open(File);
        Journal.TryRead(fd, null, new Replayer(again), out ulong epoch).ShouldBeNull();
        epoch.ShouldBe(persistence.Journal.Epoch);
        EngineTests.Dump(again.Root).ShouldBe(EngineTests.Dump(engine.Root));
        System.IO.File.Exists(File + ".new").ShouldBeFalse();
    }

    public void Dispose() => _folder.Dispose();

    private static byte[] Write(string path, string value)
    {
        JournalWriter writer = new();
        writer.Change(new(ChangeKind.Write, System.Text.Encoding.ASCII.GetBytes(path), default, System.Text.Encoding.ASCII.GetBytes(value), null));
        return writer.Written.ToArray();
    }

    private Collected Read(out string? fault, out ulong epoch)
    {
        using SafeFd fd = SharedFile.Open(File);
        Collected found = new();
        fault = Journal.TryRead(fd, null, found, out epoch);
        return found;
    }

    private class Collected : IJournalReader
    {
        public List<string> Paths { get; } = [];
        public virtual void Change(in StoreChange change) => Paths.Add(StoreText.ToText(change.Path));
        public void Watch(ulong connection, int homeBytes, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token) { }
        public void Unwatch(ulong connection, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token) { }
        public void Transaction(ulong connection, uint id, bool isBegin) { }
        public void DomainKnown(DomainId domain, DomainId? target) { }
        public void DomainGone(DomainId domain) { }
    }

    private sealed class Replayer(StoreEngine engine) : Collected
    {
        public override void Change(in StoreChange change) => engine.Replay(change);
    }
}
