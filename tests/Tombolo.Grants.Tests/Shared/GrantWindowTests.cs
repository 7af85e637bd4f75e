// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Store;

namespace Tombolo.Grants.Tests;

/// <summary>The steps on a window's words, in every order, and with a death before each of them.</summary>
public sealed class GrantWindowTests : IDisposable
{
    private const int Granter = 1, Mapper = 2, Third = 3;
    private static readonly GrantWindowShape _shape = new() { Domains = 4, Ports = 64, Entries = 64, Pages = 8 };
    private static readonly GrantRef _reference = new(8);
    private static readonly EventPort _port = new(5), _own = new(6), _other = new(7);
    private readonly List<Window> _windows = [];

    public void Dispose()
    {
        foreach (Window window in _windows) window.Dispose();
    }

    private GrantWindow Fresh()
    {
        using SafeFd memory = Memfd.Create("grants", _shape.WindowBytes);
        var window = Window.Map(memory);
        _windows.Add(window);
        _shape.LayOut(window);
        return new(window, GrantWindowShape.Read(window));
    }

    // The same window for another actor, who stops between its steps.
    private static GrantWindow As(GrantWindow ground, Action between) => new(ground.Window, ground.Shape) { Between = _ => between() };

    private static DomainId Domain(int place) => _shape.DomainOf(place);

    private GrantWindow Granted(bool readOnly = false)
    {
        GrantWindow ground = Fresh();
        ground.Offer(Granter, _reference, Domain(Mapper), ground.FirstFrame(Granter), readOnly);
        return ground;
    }

    [Fact]
    public void MapAndEnd_InAnyOrder_NeverBothSucceed()
    {
        Interleavings.Explore(() =>
        {
            GrantWindow ground = Granted();
            ClaimResult taken = default;
            bool ended = false;
            return ([
                step => taken = As(ground, step).Claim(Granter, _reference, Domain(Mapper), write: true, out _),
                step => ended = As(ground, step).TryEnd(Granter, _reference),
            ], () =>
            {
                (taken == ClaimResult.Taken && ended).ShouldBeFalse();
                (taken == ClaimResult.Taken || ended).ShouldBeTrue();
                ground.Entry(Granter, _reference).IsMapped.ShouldBe(taken == ClaimResult.Taken);
            }
            );
        }).ShouldBeGreaterThan(2);
    }

    [Fact]
    public void MapUnmapRevokeEnd_InAnyOrder_TheGrantComesBack()
    {
        Interleavings.Explore(() =>
        {
            GrantWindow ground = Granted();
            return ([
                step =>
                {
                    GrantWindow words = As(ground, step);
                    if (words.Claim(Granter, _reference, Domain(Mapper), write: false, out uint frame) != ClaimResult.Taken) return;
                    step();
                    words.Unclaim(Granter, _reference, Domain(Mapper), frame, GrantFlags.Reading);
                },
                step =>
                {
                    GrantWindow words = As(ground, step);
                    words.Revoke(Granter, _reference);
                    step();
                    _ = words.TryEnd(Granter, _reference);
                },
            ], () =>
            {
                ground.TryEnd(Granter, _reference).ShouldBeTrue();
                ground.Entry(Granter, _reference).ShouldBe(default);
                ground.Claim(Granter, _reference, Domain(Mapper), write: false, out _).ShouldBe(ClaimResult.NoGrant);
            }
            );
        }).ShouldBeGreaterThan(10);
    }

    /// <summary>The page goes on to somebody else while a mapper is between its look and its exchange.</summary>
    [Fact]
    public void MapWhileGrantedAnew_InAnyOrder_NobodyMapsWhatIsAnothers()
    {
        Interleavings.Explore(() =>
        {
            GrantWindow ground = Granted();
            ClaimResult late = default, rightful = default;
            bool again = false;
            return ([
                step => late = As(ground, step).Claim(Granter, _reference, Domain(Mapper), write: true, out _),
                step =>
                {
                    GrantWindow words = As(ground, step);
                    if (!words.TryEnd(Granter, _reference)) return;
                    step();
                    words.Offer(Granter, _reference, Domain(Third), ground.FirstFrame(Granter), readOnly: false);
                    again = true;
                },
                step => rightful = As(ground, step).Claim(Granter, _reference, Domain(Third), write: true, out _),
            ], () =>
            {
                (late == ClaimResult.Taken).ShouldBe(!again);
                if (late == ClaimResult.Taken) rightful.ShouldNotBe(ClaimResult.Taken);
                ground.Entry(Granter, _reference).IsMapped.ShouldBe(late == ClaimResult.Taken || rightful == ClaimResult.Taken);
            }
            );
        }).ShouldBeGreaterThan(30);
    }

    [Fact]
    public void TwoBindersOfOnePort_InAnyOrder_OneWins()
    {
        Interleavings.Explore(() =>
        {
            GrantWindow ground = Fresh();
            ground.Listen(Granter, _port, Domain(Mapper));
            bool one = false, other = false;
            return ([
                step => one = As(ground, step).TryBind(Mapper, _own, Granter, _port),
                step => other = As(ground, step).TryBind(Mapper, _other, Granter, _port),
            ], () =>
            {
                (one ^ other).ShouldBeTrue();
                ground.Port(Granter, _port).ShouldBe(PortWord.BoundTo(Domain(Mapper), one ? _own : _other));
                ground.Port(Mapper, one ? _other : _own).ShouldBe(default);
                Consistent(ground);
            }
            );
        }).ShouldBeGreaterThan(4);
    }

    [Fact]
    public void BindCloseCloseNotify_InAnyOrder_NoEndIsBoundToNothing()
    {
        Interleavings.Explore(() =>
        {
            GrantWindow ground = Fresh();
            ground.Listen(Granter, _port, Domain(Mapper));
            return ([
                step =>
                {
                    GrantWindow words = As(ground, step);
                    if (!words.TryBind(Mapper, _own, Granter, _port)) return;
                    step();
                    words.Close(Mapper, _own);
                },
                step => As(ground, step).Close(Granter, _port),
                step => _ = As(ground, step).Notify(Granter, _port),
            ], () => Consistent(ground));
        }).ShouldBeGreaterThan(30);
    }

    [Fact]
    public void NotifyAndUnmask_InAnyOrder_NoEventIsLost()
    {
        Interleavings.Explore(() =>
        {
            GrantWindow ground = Bound();
            ground.SetMask(Mapper, _own, isMasked: true);
            int? rung = null;
            bool found = false;
            return ([
                step => rung = As(ground, step).Notify(Granter, _port),
                step =>
                {
                    ground.SetMask(Mapper, _own, isMasked: false);
                    step();
                    found = ground.TakePending(Mapper, _own);
                },
            ], () => (found || rung == Mapper).ShouldBeTrue());
        }).ShouldBeGreaterThan(4);
    }

    /// <summary>A party dies before each of its exchanges; whoever looks after it takes it out, and everything goes on.</summary>
    [Theory]
    [InlineData(Mapper)]
    [InlineData(Granter)]
    public void DeathBeforeAnyStep_IsForgotten_AndTheRestGoesOn(int victim)
    {
        int deaths = 0;
        for (int at = 1; at < 100; at++)
        {
            GrantWindow ground = Fresh(), dying = new(ground.Window, ground.Shape);
            int steps = 0;
            dying.Between = _ => { if (++steps == at) throw new Killed(); };
            GrantWindow granter = victim == Granter ? dying : ground, mapper = victim == Mapper ? dying : ground;
            try { Live(granter, mapper); }
            catch (Killed) { deaths++; }
            if (steps < at) break;

            ground.Forget(victim);
            Consistent(ground);
            for (int place = 0; place < ground.Shape.Domains; place++)
                for (uint reference = 0; reference < ground.Shape.Entries; reference++)
                {
                    GrantEntry entry = ground.Entry(place, new(reference));
                    if (entry.Domain == Domain(victim)) entry.IsMapped.ShouldBeFalse();
                    if (place == victim) entry.IsGrant.ShouldBeFalse();
                }
            // A successor lives the same life, with whatever the survivor still has mapped given back.
            for (uint reference = 0; reference < ground.Shape.Entries; reference++)
                ground.Unclaim(Granter, new(reference), Domain(Mapper), ground.Entry(Granter, new(reference)).Frame, GrantFlags.Mapped);
            if (victim == Granter) ground.Close(Mapper, _own);
            else ground.Close(Granter, _port);
            ground.Revoke(Granter, _reference);
            ground.TryEnd(Granter, _reference).ShouldBeTrue();
            Live(ground, ground);
        }
        deaths.ShouldBeGreaterThan(2);
    }

    [Fact]
    public void Claim_OfAnythingHostile_TakesOnlyPagesOfTheGranter()
    {
        var random = new Random(1);
        GrantWindow ground = Fresh();
        for (int round = 0; round < 20_000; round++)
        {
            ground.Window.View(_shape.AreaOf(Granter), (int)_shape.StrideBytes / 2).WriteRelease64((int)(_shape.TableAt + (8 * _reference.Value)), Word(random, ground));
            ClaimResult result = ground.Claim(Granter, _reference, Domain(Mapper), round % 2 == 0, out uint frame);
            if (result == ClaimResult.Taken) (frame - ground.FirstFrame(Granter)).ShouldBeLessThan((uint)_shape.Pages);
            ground.Unclaim(Granter, _reference, Domain(Mapper), frame, GrantFlags.Mapped);
            ground.Forget(Mapper);
        }
    }

    private static ulong Word(Random random, GrantWindow ground) => random.Next(3) switch
    {
        0 => (ulong)random.NextInt64(),
        1 => new GrantEntry((GrantFlags)random.Next(32), Domain(random.Next(4)), (uint)random.Next()).Word,
        _ => new GrantEntry((GrantFlags)random.Next(32), Domain(Mapper), ground.FirstFrame(Granter) + (uint)random.Next(-2, 10)).Word,
    };

    // What a pair does in its life: a grant mapped, written, unmapped and ended, a channel made, bound, used and closed.
    private static void Live(GrantWindow granter, GrantWindow mapper)
    {
        granter.Offer(Granter, _reference, Domain(Mapper), granter.FirstFrame(Granter), readOnly: false);
        granter.Listen(Granter, _port, Domain(Mapper));
        mapper.Claim(Granter, _reference, Domain(Mapper), write: true, out uint frame).ShouldBe(ClaimResult.Taken);
        mapper.TryBind(Mapper, _own, Granter, _port).ShouldBeTrue();
        granter.Notify(Granter, _port).ShouldBe(Mapper);
        mapper.TakePending(Mapper, _own).ShouldBeTrue();
        mapper.Notify(Mapper, _own).ShouldBe(Granter);
        granter.TryEnd(Granter, _reference).ShouldBeFalse();
        mapper.Unclaim(Granter, _reference, Domain(Mapper), frame, GrantFlags.Mapped);
        mapper.Close(Mapper, _own);
        granter.Revoke(Granter, _reference);
        granter.TryEnd(Granter, _reference).ShouldBeTrue();
        granter.Close(Granter, _port);
    }

    private GrantWindow Bound()
    {
        GrantWindow ground = Fresh();
        ground.Listen(Granter, _port, Domain(Mapper));
        ground.TryBind(Mapper, _own, Granter, _port).ShouldBeTrue();
        return ground;
    }

    // Whatever is bound is bound back.
    private static void Consistent(GrantWindow ground)
    {
        for (int place = 0; place < ground.Shape.Domains; place++)
            for (uint port = 0; port < ground.Shape.Ports; port++)
            {
                PortWord word = ground.Port(place, new(port));
                if (word.State == PortState.Interdomain) ground.Port(ground.Shape.PlaceOf(word.Domain)!.Value, word.Port).ShouldBe(PortWord.BoundTo(Domain(place), new(port)));
            }
    }

    private sealed class Killed : Exception;
}
