// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;
using Tombolo.TestPeers;
using Tombolo.Wire;

namespace Tombolo.Ivshmem.Tests.Client;

/// <summary>The handshake against a server that says exactly what the test says.</summary>
[Collection("counts open files")]
public sealed class IvshmemClientHandshakeTests
{
    private static readonly Dictionary<string, (Action<ScriptedFabric> Script, WireFault Fault, string Sentence)> _faults = new()
    {
        ["refused"] = (f => f.Send(-1), WireFault.UnknownVersion, "refuses this client"),
        ["other version"] = (f => f.Send(7), WireFault.UnknownVersion, "speaks version 7"),
        ["descriptor with version"] = (f => f.Send(0, f.Memory), WireFault.WrongFdCount, "a descriptor with the version (0)"),
        ["id below range"] = (f => f.Send(0).Send(-1), WireFault.ValueOutOfRange, "the ID -1"),
        ["id above range"] = (f => f.Send(0).Send(65536), WireFault.ValueOutOfRange, "the ID 65536"),
        ["descriptor with id"] = (f => f.Send(0).Send(1, f.Event), WireFault.WrongFdCount, "a descriptor with this client's ID (1)"),
        ["memory without descriptor"] = (f => f.Send(0).Send(1).Send(-1), WireFault.WrongFdCount, "without its descriptor"),
        ["memory of no size"] = (f => f.Send(0).Send(1).Send(-1, f.Event), WireFault.ValueOutOfRange, "0 bytes"),
        ["own vectors before memory"] = (f => f.Send(0).Send(1).Send(1, f.Event), WireFault.OutOfOrder, "sent 1 where the shared memory"),
        ["peer before memory"] = (f => f.Send(0).Send(1).Send(2, f.Event), WireFault.OutOfOrder, "sent 2 where the shared memory"),
        ["own id without descriptor"] = (f => f.Start().Send(1), WireFault.WrongFdCount, "own ID (1) without a descriptor"),
        ["memory twice"] = (f => f.Start().Send(-1, f.Memory), WireFault.ValueOutOfRange, "sent -1 where a peer's ID"),
        ["peer above range"] = (f => f.Start().Send(70000, f.Event), WireFault.ValueOutOfRange, "sent 70000"),
        ["vector that is no eventfd"] = (f => f.Start().Send(1, f.Memory), WireFault.WrongFdCount, "no eventfd"),
        ["two descriptors at once"] = (f => f.Start().SendTwo(1), WireFault.WrongFdCount, "sent 2 descriptors"),
        ["nothing at all, then gone"] = (_ => { }, WireFault.TooShort, "closed the connection in the handshake, where the version"),
        ["gone before id"] = (f => f.Send(0), WireFault.TooShort, "where this client's ID"),
        ["gone before memory"] = (f => f.Send(0).Send(1), WireFault.TooShort, "where the shared memory"),
        ["gone before own vectors"] = (f => f.Start().Send(2, f.Event), WireFault.TooShort, "where its vectors"),
        ["gone inside a message"] = (f => f.Send(0).SendPart(5), WireFault.TooShort, "after 5 of the 8 bytes"),
        ["peer with more vectors than a device has"] = (f => f.Start().Batch(2, 2049), WireFault.WrongFdCount, "more than 2048 vectors for peer 2"),
    };

    public static TheoryData<string> Faults => [.. _faults.Keys];

    [Theory]
    [MemberData(nameof(Faults))]
    public void Connect_BrokenServer_OneSentenceAndNoDescriptorLeft(string name)
    {
        (Action<ScriptedFabric> script, WireFault fault, string sentence) = _faults[name];
        const int Rounds = 20;
        int before = ScriptedFabric.OpenDescriptors();
        for (int i = 0; i < Rounds; i++)
        {
            using var fabric = new ScriptedFabric();
            ProtocolException exception = fabric.ConnectToFault(f => { script(f); f.HangUp(); });
            exception.Fault.ShouldBe(fault);
            exception.Message.ShouldContain(sentence);
            exception.Message.ShouldContain(fabric.Path);
            exception.Message.ShouldMatch(@"^[^\n]*[^.]\.$");
        }
        (ScriptedFabric.OpenDescriptors() - before).ShouldBeLessThan(Rounds);
    }

    [Fact]
    public void Connect_ServerThatSaysNothing_EndsAtTheTimeout()
    {
        using var fabric = new ScriptedFabric();
        ProtocolException exception = Should.Throw<ProtocolException>(() => IvshmemClient.Connect(fabric.Options with { Timeout = TimeSpan.FromMilliseconds(50) }));
        exception.Message.ShouldContain("did not send the version within 0.05 s (0 messages came)");
    }

    [Fact]
    public void Connect_NobodyListens_SaysSo()
    {
        LinuxException exception = Should.Throw<LinuxException>(() => IvshmemClient.Connect(new() { SocketPath = "/tmp/tombolo-no-such-socket" }));
        exception.Errno.ShouldBe(Errno.NoEntry);
    }

    [Fact]
    public void Connect_OptionsWithProblems_NamesThemAll()
    {
        ArgumentException exception = Should.Throw<ArgumentException>(() => IvshmemClient.Connect(new() { SocketPath = "", Timeout = TimeSpan.Zero, SettleTime = TimeSpan.FromSeconds(-1) }));
        exception.Message.ShouldContain("SocketPath");
        exception.Message.ShouldContain("Timeout");
        exception.Message.ShouldContain("SettleTime");
    }

    [Fact]
    public void Connect_BytesOneByOne_IsTheSameHandshake()
    {
        using var fabric = new ScriptedFabric();
        using IvshmemClient client = fabric.Connect(f => f.InPieces().Start().Batch(5, 2).Batch(1, 3));
        client.Id.ShouldBe(new PeerId(1));
        client.Vectors.Count.ShouldBe(3);
        client.VectorsOf(new(5)).ShouldBe(2);
    }

    [Fact]
    public void Connect_PeersWithDifferentVectorCounts_KnowsEachOnesOwn()
    {
        using var fabric = new ScriptedFabric();
        using IvshmemClient client = fabric.Connect(f => f.Start().Batch(9, 1).Batch(0, 7).Batch(65535, 4).Batch(1, 3));
        client.Peers.ShouldBe([new(0), new(9), new(65535)]);
        client.VectorsOf(new(0)).ShouldBe(7);
        client.VectorsOf(new(9)).ShouldBe(1);
        client.VectorsOf(new(65535)).ShouldBe(4);
        client.VectorsOf(new(3)).ShouldBe(0);
        client.Vectors.Count.ShouldBe(3);
        client.Window.LengthBytes.ShouldBe(4096);
    }

    [Fact]
    public void Connect_VectorCountKnown_NeedsNoPause()
    {
        using var fabric = new ScriptedFabric();
        IvshmemClientOptions options = fabric.Options with { SettleTime = TimeSpan.FromDays(1), VectorCount = static window => (int)(window.LengthBytes / 1024) };
        using IvshmemClient client = fabric.Connect(f => f.Start().Batch(1, 4), options);   // would hang for a day otherwise
        client.Vectors.Count.ShouldBe(4);
    }

    [Fact]
    public void Connect_VectorCountTooHigh_EndsAtThePause()
    {
        using var fabric = new ScriptedFabric();
        using IvshmemClient client = fabric.Connect(f => f.Start().Batch(1, 2), fabric.Options with { VectorCount = static _ => 1000 });
        client.Vectors.Count.ShouldBe(2);
    }

    [Fact]
    public void Connect_OwnBatchFollowedBySomebody_EndsThere()
    {
        using var fabric = new ScriptedFabric();
        using IvshmemClient client = fabric.Connect(f => f.Start().Batch(1, 2).Batch(4, 2), fabric.Options with { SettleTime = TimeSpan.FromDays(1) });
        client.Vectors.Count.ShouldBe(2);
        Watchdog.Until(() => client.ProcessControl() && client.VectorsOf(new(4)) == 2, "the peer that followed");
    }

    [Fact]
    public void Dispose_Always_ClosesEverything()
    {
        int before = ScriptedFabric.OpenDescriptors();
        for (int i = 0; i < 20; i++)
        {
            using var fabric = new ScriptedFabric();
            IvshmemClient client = fabric.Connect(f => f.Start().Batch(3, 2).Batch(1, 2));
            client.Dispose();
            client.Dispose();
            client.Ring(new(3), 0).ShouldBeFalse();
        }
        (ScriptedFabric.OpenDescriptors() - before).ShouldBeLessThan(20);
    }
}
