// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;
using Shouldly;
using Tombolo.Linux;
using Tombolo.TestPeers;
using Tombolo.Wire;

namespace Tombolo.Ivshmem.Tests.Client;

/// <summary>Joins, leaves and rings once the handshake is over.</summary>
public sealed class IvshmemClientNewsTests : IDisposable
{
    private readonly ScriptedFabric _fabric = new();
    private readonly IvshmemClient _client;
    private readonly List<string> _news = [];

    public IvshmemClientNewsTests()
    {
        _client = _fabric.Connect(static f => f.Start().Batch(1, 3), _fabric.Options with { VectorCount = static _ => 3 });
        _client.Joined += id => _news.Add($"+{id}");
        _client.Left += id => _news.Add($"-{id}");
    }

    public void Dispose()
    {
        _client.Dispose();
        _fabric.Dispose();
    }

    [Fact]
    public void ProcessControl_BatchAsLongAsOurs_JoinsAtItsLastVector()
    {
        _ = _fabric.Batch(4, 3);
        _client.ProcessControl().ShouldBeTrue();
        _news.ShouldBe(["+4"]);
        _client.VectorsOf(new(4)).ShouldBe(3);
    }

    [Fact]
    public void ProcessControl_ShorterBatch_JoinsWhenTheServerPauses()
    {
        _ = _fabric.Batch(4, 1);
        _client.ProcessControl().ShouldBeTrue();
        _news.ShouldBe(["+4"]);
        _client.VectorsOf(new(4)).ShouldBe(1);
    }

    [Fact]
    public void ProcessControl_LongerBatch_JoinsOnceAndKnowsAllVectors()
    {
        _ = _fabric.Batch(4, 5);
        _client.ProcessControl().ShouldBeTrue();
        _news.ShouldBe(["+4"]);
        _client.VectorsOf(new(4)).ShouldBe(5);
    }

    [Fact]
    public void ProcessControl_BatchInTwoParts_JoinsOnceAndKnowsAllVectors()
    {
        _ = _fabric.Batch(4, 1);
        _client.ProcessControl().ShouldBeTrue();
        _ = _fabric.Batch(4, 2);
        _client.ProcessControl().ShouldBeTrue();
        _news.ShouldBe(["+4"]);
        _client.VectorsOf(new(4)).ShouldBe(3);
    }

    [Fact]
    public void ProcessControl_JoinLeaveJoin_TellsInOrder()
    {
        _ = _fabric.Batch(4, 3).Batch(5, 2).Send(4).Batch(6, 3).Send(5).Batch(4, 3);
        _client.ProcessControl().ShouldBeTrue();
        _news.ShouldBe(["+4", "+5", "-4", "+6", "-5", "+4"]);
        _client.Peers.ShouldBe([new(4), new(6)]);
    }

    [Fact]
    public void ProcessControl_LeaveOfNobody_IsIgnored()
    {
        _ = _fabric.Send(77).Send(77);
        _client.ProcessControl().ShouldBeTrue();
        _news.ShouldBeEmpty();
    }

    [Fact]
    public void ProcessControl_ServerGone_PeersCanStillBeRung()
    {
        SafeFd bell = _fabric.Keep(EventFd.Create());
        _fabric.Send(4, bell).Send(4, bell).Send(4, bell).HangUp();
        _client.ProcessControl().ShouldBeFalse();
        _client.ProcessControl().ShouldBeFalse();
        _client.Ring(new(4), 2).ShouldBeTrue();
        Watchdog.TakeRing(bell).ShouldBe(1ul);
    }

    [Fact]
    public void ProcessControl_BrokenServer_ThrowsAndPeersCanStillBeRung()
    {
        _ = _fabric.Batch(4, 3).Send(-1);
        Should.Throw<ProtocolException>(() => _client.ProcessControl()).Fault.ShouldBe(WireFault.ValueOutOfRange);
        _client.Ring(new(4), 0).ShouldBeTrue();
    }

    [Fact]
    public void Ring_EachVector_ReachesThatEventFdAlone()
    {
        SafeFd[] bells = ScriptedServer.EventFds(3);
        foreach (SafeFd bell in bells) _ = _fabric.Send(9, _fabric.Keep(bell));
        _client.ProcessControl().ShouldBeTrue();
        for (int i = 0; i < bells.Length; i++)
        {
            _client.Ring(new(9), i).ShouldBeTrue();
            for (int k = 0; k < bells.Length; k++) EventFd.TryRead(bells[k], out _).ShouldBe(k == i);
        }
    }

    [Theory]
    [InlineData(9, 3)]
    [InlineData(9, -1)]
    [InlineData(8, 0)]
    [InlineData(1, 0)]
    public void Ring_NoSuchPeerOrVector_SaysNo(ushort peer, int vector)
    {
        _ = _fabric.Batch(9, 3);
        _client.ProcessControl().ShouldBeTrue();
        _client.Ring(new(peer), vector).ShouldBeFalse();
    }

    [Fact]
    public void Ring_ManyTimes_AllocatesNothing()
    {
        _ = _fabric.Batch(9, 3);
        _client.ProcessControl().ShouldBeTrue();
        _ = _client.Ring(new(9), 0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) _ = _client.Ring(new(9), 1);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Fact]
    public async Task Ring_FromOtherThreadsWhilePeersComeAndGo_NeverThrows()
    {
        using var stop = new CancellationTokenSource();
        Task ringing = Task.Run(() => { while (!stop.IsCancellationRequested) _ = _client.Ring(new(4), 1); });
        for (int i = 0; i < 200; i++)
        {
            _ = _fabric.Batch(4, 3).Send(4);
            _client.ProcessControl().ShouldBeTrue();
        }
        await stop.CancelAsync();
        await ringing.Watched();
        _news.Count.ShouldBe(400);
    }

    /// <summary>Whatever a server says, and wherever it stops: a client, or one of the two exceptions.</summary>
    [Fact]
    public void Connect_AnyScript_EndsInAClientOrInOneSentence()
    {
        long[] values = [0, 1, 2, -1, -2, 65535, 65536, long.MinValue, long.MaxValue];
        Gen<(long Value, int Kind)> step = from value in Gen.Elements(values) from kind in Gen.Choose(0, 3) select (value, kind);
        Gen<(long Value, int Kind)[]> scripts = from start in Gen.Choose(0, 4) from steps in Gen.ArrayOf(step) select Goodness(start).Concat(steps).ToArray();
        Prop.ForAll(scripts.ToArbitrary(), script =>
        {
            using var fabric = new ScriptedFabric();
            try
            {
                using IvshmemClient client = fabric.Connect(f =>
                {
                    foreach ((long value, int kind) in script) _ = f.Send(value, kind switch { 1 => f.Memory, 2 => f.Event, 3 => f.Connection.Socket, _ => null });
                    f.HangUp();
                });
                while (client.ProcessControl()) { }
            }
            catch (ProtocolException exception) { exception.Message.ShouldEndWith("."); }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    // The first steps of a good handshake, so that the random rest reaches every state.
    private static (long, int)[] Goodness(int steps) => ((long, int)[])[(0, 0), (1, 0), (-1, 1), (1, 2)] is var all ? all[..steps] : [];
}
