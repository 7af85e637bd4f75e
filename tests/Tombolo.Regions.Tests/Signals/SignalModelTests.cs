// SPDX-License-Identifier: MIT
namespace Tombolo.Regions.Tests.Signals;

/// <summary>Every order of steps, with kills before each of them: whoever completes a signal has woken whoever sleeps there and lives.</summary>
[Trait("Speed", "slow")]
public sealed class SignalModelTests
{
    private const uint F = 4, G = 12, RegionBytes = 64;   // with two slots, both begin at the same one

    // ---- host to guest: our senders, killed anywhere; QEMU between; the guest's receiver.

    [Fact]
    public void HostToGuest_TwoSendersOfOneOffset_EitherKilledAnywhere_NoCompletedSignalIsLost() =>
        HostToGuest(Sender(Sends, F, mayDie: true), Sender(Sends, F, mayDie: true), Sleeper(F)).ShouldBeNull();

    [Fact]
    public void HostToGuest_TwoOffsetsThatCollide_EitherKilledAnywhere_NoCompletedSignalIsLost() =>
        HostToGuest(Sender(Sends, F, mayDie: true), Sender(Sends, G, mayDie: true), Sleeper(F), Sleeper(G)).ShouldBeNull();

    [Fact]
    public void HostToGuest_TableOfOneSlotIsFull_SenderWaitsForRoom_NoneIsLost() =>
        HostToGuest(1, Sender(Sends, F), Sender(Sends, G), Sleeper(F), Sleeper(G)).ShouldBeNull();

    // The rules as they stand in vSoC's library, to see that the model finds what is wrong with them.

    [Fact]
    public void Model_RuleOfNoSecondRing_LosesSignals() =>
        HostToGuest(Sender(SendsAsVsocDoes, F, mayDie: true), Sender(SendsAsVsocDoes, G, mayDie: true), Sleeper(F), Sleeper(G)).ShouldNotBeNull().ShouldContain("killed");

    [Fact]
    public void Model_SendersThatRingFirst_LoseSignals() =>
        HostToGuest(new Actor(ground =>
        {
            ground.Change(F);
            ground.Ring();
            _ = ground.CompareExchangeSlot(1, F, 0);
            _ = ground.ExchangeSignalled(1);
        }, Signals: F), Sleeper(F)).ShouldNotBeNull();

    // ---- guest to host: the guest's library and driver; several of our receivers, each with a sleeper in its process, killed anywhere.

    [Fact]
    public void GuestToHost_TwoReceivers_EitherKilledAnywhere_NoSleeperOfALivingProcessIsForgotten() =>
        GuestToHost(Sender(GuestSends, F), Sender(GuestSends, F)).ShouldBeNull();

    [Fact]
    public void GuestToHost_TwoOffsetsThatCollide_EitherReceiverKilledAnywhere_NoSleeperIsForgotten() =>
        GuestToHost(Sender(GuestSends, F), Sender(GuestSends, G)).ShouldBeNull();

    [Fact]
    public void Model_ReceiversThatDoNotLookAfterTheirOwn_ForgetSleepers() =>
        GuestToHost(caresForOwn: false, Sender(GuestSends, F), Sender(GuestSends, F)).ShouldNotBeNull().ShouldContain("killed");

    private static Action<ModelGround> Sends(uint offset) => ground =>
    {
        ground.Change(offset);
        while (!SignalProtocol.TrySend(ref ground, offset)) ground.AwaitRoom();
    };

    private static Action<ModelGround> SendsAsVsocDoes(uint offset) => ground =>
    {
        ground.Change(offset);
        for (int slot = (int)(offset >> 2) & (ground.Slots - 1); ; slot = (slot + 1) & (ground.Slots - 1))
        {
            uint held = ground.CompareExchangeSlot(slot, offset, 0);
            if (held == offset) return;
            if (held == 0) break;
        }
        if (ground.ExchangeSignalled(1) == 0) ground.Ring();
    };

    private static Action<ModelGround> GuestSends(uint offset) => ground =>
    {
        ground.Change(offset);
        for (int slot = (int)(offset >> 2) & (ground.Slots - 1); ; slot = (slot + 1) & (ground.Slots - 1))
        {
            uint held = ground.CompareExchangeSlot(slot, offset, 0);
            if (held == offset) return;
            if (held == 0) break;
        }
        ground.SetAndRing();
    };

    private static Actor Sender(Func<uint, Action<ModelGround>> how, uint offset, bool mayDie = false) => new(how(offset), mayDie, Signals: offset);

    private static Actor Sleeper(uint offset) => new(ground => ground.Sleep(offset), SleepsAt: offset);

    private static string? HostToGuest(params Actor[] parties) => HostToGuest(2, parties);

    // Each sender must have been killed, or else whoever sleeps at its offset be awake.
    private static string? HostToGuest(int slots, params Actor[] parties)
    {
        Actor qemu = new(ground =>
        {
            ground.TakeRing();
            ground.Interrupt();
        }, Loops: true);
        Actor guest = new(ground =>
        {
            ground.AwaitEdge();
            do _ = SignalProtocol.Receive(ref ground, RegionBytes);
            while (ground.ReadSignalled() != 0);
        }, Loops: true);
        Actor[] all = [.. parties, qemu, guest];
        var run = new Interleavings(slots, ringsQemu: true, all);
        string? wrong = run.Explore(state => Forgotten(state, all));
        run.Ends.ShouldBeGreaterThan(0);
        return wrong;
    }

    private static string? GuestToHost(params Actor[] guests) => GuestToHost(caresForOwn: true, guests);

    // Two processes, each with a receiver: one is killed anywhere, the other has the sleepers. (It is the same the other way round.)
    private static string? GuestToHost(bool caresForOwn, params Actor[] guests)
    {
        Actor[] sleepers = [.. guests.Select(guest => guest.Signals).Take(1).Select(Sleeper)];
        int first = guests.Length + 2;
        Actor Receiver(bool mayDie) => new(ground =>
        {
            ground.AwaitEdge();
            do
            {
                _ = SignalProtocol.Receive(ref ground, RegionBytes);
                for (int sleeper = first; caresForOwn && !mayDie && sleeper < first + sleepers.Length; sleeper++) ground.WakeOwn(sleeper);
            }
            while (ground.ReadSignalled() != 0);
        }, mayDie, Loops: true);
        Actor[] all = [.. guests, Receiver(mayDie: true), Receiver(mayDie: false), .. sleepers];
        return new Interleavings(2, ringsQemu: false, all).Explore(state => Forgotten(state, all));
    }

    // Whoever completed a signal has woken every sleeper there.
    private static string? Forgotten(ModelState state, Actor[] all)
    {
        for (int sleeper = 0; sleeper < all.Length; sleeper++)
            for (int sender = 0; sender < all.Length; sender++)
                if (all[sleeper].SleepsAt is var offset and not 0 && !state.IsFinished(sleeper) && all[sender].Signals == offset && state.IsFinished(sender))
                    return $"sleeper {sleeper} at {offset} was forgotten, though sender {sender} had completed its signal";
        return null;
    }
}
