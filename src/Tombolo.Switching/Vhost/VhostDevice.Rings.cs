// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Wire;

namespace Tombolo.Switching;

internal sealed partial class VhostDevice
{
    // Setting up, starting and stopping rings.

    private const ulong IndexMask = 0xff, NoDescriptor = 0x100;   // vhost-user.rst, SET_VRING_KICK

    public string? SetVringNum(VringState state)
    {
        if (state.Number is 0 or > RingSetup.MaxSize) throw new ProtocolException(WireFault.ValueOutOfRange, $"A ring has 1 to {RingSetup.MaxSize} descriptors, not {state.Number}.");
        Vring ring = RingAt(state.Index);
        ring.Size = (int)state.Number;
        return ring.Queue is null ? Start(ring) : Restart(ring);
    }

    public string? SetVringAddresses(VringAddresses addresses)
    {
        Vring ring = RingAt(addresses.Index);
        ring.Addresses = addresses;
        return ring.Queue is null ? Start(ring) : Restart(ring);   // moved under way: it goes on at the new place
    }

    public string? SetVringBase(VringState state)
    {
        Vring ring = RingAt(state.Index);
        if (ring.Queue is not null) throw new ProtocolException(WireFault.OutOfOrder, $"The base of ring {state.Index} cannot be set while it runs.");
        // A packed ring's base may come as available alone: in order, so both are the same.
        bool isPacked = (Features & VirtioFeatures.RingPacked) != 0;
        ring.Base = isPacked && state.Number >> 16 == 0 ? state.Number | (state.Number << 16) : state.Number;
        return null;
    }

    public string? GetVringBase(VringState state, VhostReply reply)
    {
        Vring ring = RingAt(state.Index);
        bool isEnabled = ring.IsEnabled;
        CloseRing(ring);
        if (ring.IsEnabled != isEnabled) Enable(ring, isEnabled);
        reply.Set(new VringState(state.Index, ring.Base));
        return null;
    }

    public string? SetVringKick(ulong payload, FdInbox descriptors)
    {
        (Vring ring, SafeFd? kick) = TakeEventFd(payload, descriptors);
        if (ring.IsWanted || ring.Queue is not null) StopRing(ring);
        ring.Want(kick);
        return Start(ring);
    }

    public string? SetVringCall(ulong payload, FdInbox descriptors)
    {
        (Vring ring, SafeFd? call) = TakeBell(payload, descriptors);
        ring.SetCall(call);
        return null;
    }

    public string? SetVringError(ulong payload, FdInbox descriptors)
    {
        (Vring ring, SafeFd? error) = TakeBell(payload, descriptors);
        ring.SetError(error);
        return null;
    }

    public string? SetVringEnable(VringState state)
    {
        if (state.Number > 1) throw new ProtocolException(WireFault.ValueOutOfRange, $"A ring is enabled (1) or disabled (0), not {state.Number}.");
        Enable(RingAt(state.Index), state.Number == 1);
        return null;
    }

    private void Enable(Vring ring, bool isEnabled)
    {
        if (ring.IsEnabled == isEnabled) return;
        ring.Enable(isEnabled);
        _user.RingEnabled(ring);
    }

    private static (SafeFd? Descriptor, bool IsMissing) Take(ulong payload, FdInbox descriptors)
    {
        bool hasNone = (payload & NoDescriptor) != 0;
        _ = descriptors.TryTake(out SafeFd? descriptor);
        return (descriptor, hasNone);
    }

    private (Vring Ring, SafeFd? Descriptor) TakeEventFd(ulong payload, FdInbox descriptors)
    {
        if ((payload & ~(IndexMask | NoDescriptor)) != 0) throw new ProtocolException(WireFault.ReservedBitsSet, $"The ring number {payload:x} has bits set that mean nothing.");
        Vring ring = RingAt(payload & IndexMask);
        (SafeFd? descriptor, bool isMissing) = Take(payload, descriptors);
        if (isMissing == descriptor is null && (descriptor is null || EventFd.IsEventFd(descriptor))) return (ring, descriptor);
        bool isOther = isMissing != descriptor is null;
        descriptor?.Dispose();
        throw new ProtocolException(WireFault.WrongFdCount, isOther ? $"The message for ring {ring.Index} says that {(isMissing ? "no descriptor" : "one")} comes with it, and it is not so." : $"The descriptor for ring {ring.Index} is no eventfd.");
    }

    // One that we ring: a full counter must not hold up who moves everybody's frames.
    private (Vring Ring, SafeFd? Descriptor) TakeBell(ulong payload, FdInbox descriptors)
    {
        (Vring ring, SafeFd? bell) = TakeEventFd(payload, descriptors);
        bell?.SetNonBlocking();
        return (ring, bell);
    }

    // Starts a ring of which everything is known; not yet knowing everything is no fault.
    private string? Start(Vring ring)
    {
        if (!ring.IsWanted || ring.Queue is not null || ring.Size == 0 || ring.Addresses is not { } at || _memory.Regions.Count == 0) return null;
        var setup = new RingSetup
        {
            Size = ring.Size,
            Descriptors = new(at.Descriptors),
            Driver = new(at.Available),
            Device = new(at.Used),
            Features = Features,
            Base = ring.Base,
        };
        if (!Virtqueue.TryCreate(_memory, setup, InFlightOf(ring), static () => { }, out Virtqueue? queue, out string? problem)) return $"Ring {ring.Index} cannot start: {problem}";
        queue.DisableKicks();
        ring.Run(queue, Features);
        _user.RingStarted(ring);
        return null;
    }

    private void StopRing(Vring ring, bool isBrief = false)
    {
        if (ring.Queue is null && !ring.IsWanted) return;
        _user.RingStopping(ring, isBrief);
        ring.Pause(isBrief);
    }

    private void CloseRing(Vring ring)
    {
        StopRing(ring);
        ring.Close();
    }

    private string? Restart(Vring ring)
    {
        StopRing(ring, isBrief: true);
        return Start(ring);
    }

    private string? RestartRunning()
    {
        string? problem = null;
        foreach (Vring ring in _rings)
            if (ring.Queue is not null) problem ??= Restart(ring);
        return problem;
    }
}
