// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;
using Shouldly;

namespace Tombolo.Ivshmem.Tests.Server;

public sealed class IdAllocatorTests
{
    [Fact]
    public void AfterTheLastId_ItStartsAgain_WithWhatNobodyRemembers()
    {
        var ids = new IdAllocator(IdPolicy.Growing, firstId: 65534, lastId: IvshmemMessage.MaxId, seed: 0);
        Take(ids, long.MaxValue).ShouldBe(65534);
        Take(ids, long.MaxValue).ShouldBe(65535);
        ids.Release(65534, sequence: 10);
        ids.TryTake(null, oldestJoin: 5, out _).ShouldBeFalse();   // whoever joined at 5 saw it leave at 10
        Take(ids, oldestJoin: 11).ShouldBe(65534);
    }

    [Fact]
    public void WithALastId_NothingBeyondItIsGiven()
    {
        var ids = new IdAllocator(IdPolicy.Growing, firstId: 1, seed: 0, lastId: 2);
        Take(ids, long.MaxValue).ShouldBe(1);
        Take(ids, long.MaxValue).ShouldBe(2);
        ids.TryTake(null, long.MaxValue, out _).ShouldBeFalse();
        ids.TryTake(3, long.MaxValue, out _).ShouldBeFalse();
        ids.Release(1, sequence: 10);
        ids.TryTake(null, oldestJoin: 5, out _).ShouldBeFalse();
        Take(ids, oldestJoin: 11).ShouldBe(1);
    }

    [Fact]
    public void Resumed_GivesNothingThatMayHaveBeenSeenLeaving()
    {
        var ids = new IdAllocator(IdPolicy.Growing, firstId: 0, lastId: IvshmemMessage.MaxId, seed: 0);
        ids.Resume(next: 100, wasRound: false, sequence: 50);
        Take(ids, oldestJoin: 1).ShouldBe(100);
        ids.TryTake(7, oldestJoin: 1, out int id).ShouldBeTrue();
        id.ShouldBe(101);
    }

    // Whatever joins and leaves there are: no ID is given twice at once, and none to somebody while anyone is connected who saw it leave.
    [Fact]
    public void AnyHistory_GivesNoIdThatSomebodySawLeave() => Prop.ForAll(
        ArbMap.Default.ArbFor<(bool Joins, byte Which, bool Random)[]>(),
        history =>
        {
            var ids = new IdAllocator(history.Length > 0 && history[0].Random ? IdPolicy.Random : IdPolicy.Growing, firstId: 65520, lastId: IvshmemMessage.MaxId, seed: 3);
            var connected = new List<(int Id, long JoinedAt, HashSet<int> SawLeave)>();
            long sequence = 0;
            foreach ((bool joins, byte which, _) in history)
            {
                if (joins)
                {
                    long oldest = connected.Count == 0 ? long.MaxValue : connected.Min(peer => peer.JoinedAt);
                    if (!ids.TryTake(null, oldest, out int id)) continue;
                    connected.ShouldAllBe(peer => peer.Id != id && !peer.SawLeave.Contains(id));
                    connected.Add((id, ++sequence, []));
                }
                else if (connected.Count > 0)
                {
                    (int id, _, _) = connected[which % connected.Count];
                    connected.RemoveAt(which % connected.Count);
                    ids.Release(id, ++sequence);
                    connected.ForEach(peer => peer.SawLeave.Add(id));
                }
            }
        }).QuickCheckThrowOnFailure();

    private static int Take(IdAllocator ids, long oldestJoin)
    {
        ids.TryTake(null, oldestJoin, out int id).ShouldBeTrue();
        return id;
    }
}
