// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Wire;

namespace Tombolo.Switching;

/// <summary>One network device as a vhost-user back end keeps it: what was agreed on, the guest's memory, the rings.</summary>
/// <remarks>
/// Theory of operation. Nothing here reads a socket: a session hands in requests that passed <see cref="VhostRules"/>. A ring runs while it has a size, addresses, a kick
/// (SET_VRING_KICK starts it) and memory for all of that; it is served while it is also enabled. It starts enabled where protocol features were not agreed on, else when
/// SET_VRING_ENABLE says so, which QEMU 7.2 sends before anything else about the ring, and not again. Before memory is unmapped every ring is stopped under its gate.
/// Belongs to the control loop. Source: vhost-user.rst, "Starting and stopping rings".
/// </remarks>
internal sealed partial class VhostDevice : IDisposable
{
    private readonly VhostDeviceOptions _options;
    private readonly IVringUser _user;
    private readonly Vring[] _rings;
    private GuestMemory _memory = GuestMemory.Empty;
    private ulong _status;

    public VhostDevice(VhostDeviceOptions options, IVringUser user)
    {
        (_options, _user) = (options, user);
        _rings = [.. Enumerable.Range(0, options.QueuePairs * 2).Select(static index => new Vring(index))];
    }

    public VirtioFeatures Features { get; private set; }

    public VhostProtocolFeatures ProtocolFeatures { get; private set; }

    public ReadOnlySpan<Vring> Rings => _rings;

    public GuestMemory Memory => _memory;

    /// <summary>Whether memory that the front end gave was taken away again.</summary>
    public bool IsMemoryLost => _inFlight is { IsLost: true } || _memory.Regions.Any(static region => region.IsLost);

    public string? GetFeatures(VhostReply reply) => Answer(reply, (ulong)_options.Features);

    public string? SetFeatures(ulong value)
    {
        var features = (VirtioFeatures)value;
        if ((features & ~_options.Features) != 0) throw new ProtocolException(WireFault.ReservedBitsSet, $"The front end wants features that were not offered: {(ulong)(features & ~_options.Features):x}.");
        bool isChanged = Features != features;
        Features = features;
        if ((features & VirtioFeatures.ProtocolFeatures) == 0)
            foreach (Vring ring in _rings) Enable(ring, true);
        if (isChanged) RestartRunning();
        _user.FeaturesChanged(features);
        return null;
    }

    public string? GetProtocolFeatures(VhostReply reply) => Answer(reply, (ulong)_options.ProtocolFeatures);

    public string? SetProtocolFeatures(ulong value)
    {
        var features = (VhostProtocolFeatures)value;
        if ((features & ~_options.ProtocolFeatures) != 0) throw new ProtocolException(WireFault.ReservedBitsSet, $"The front end wants protocol features that were not offered: {(ulong)(features & ~_options.ProtocolFeatures):x}.");
        ProtocolFeatures = features;
        return null;
    }

    public string? GetQueueCount(VhostReply reply) => Answer(reply, (ulong)_options.QueuePairs);

    public static string? GetMaxMemorySlots(VhostReply reply) => Answer(reply, GuestMemory.MaxRegions);

    public string? GetStatus(VhostReply reply) => Answer(reply, _status);

    public string? SetStatus(ulong status)
    {
        if (status > byte.MaxValue) throw new ProtocolException(WireFault.ValueOutOfRange, $"The status {status:x} has more than eight bits.");
        _status = status;
        return status == 0 ? DisableAll() : null;
    }

    public string? SetMtu(ulong mtu) => mtu >= 68 && mtu <= (ulong)_options.Mtu ? null : $"The MTU {mtu} is not within 68 to {_options.Mtu}.";

    public string? SendRarp(ReadOnlySpan<byte> payload)
    {
        _user.Announce(MacAddress.Read(payload));
        return null;
    }

    // Source: virtio 1.1, 5.1.4, struct virtio_net_config: mac (6), status (2), max_virtqueue_pairs (2), mtu (2); zeros after it.
    public string? GetConfig(ReadOnlySpan<byte> payload, VhostReply reply)
    {
        var part = VhostRules.Read<VhostConfigPart>(payload);
        Span<byte> config = stackalloc byte[VhostConfigPart.MaxBytes];
        config.Clear();
        _options.Mac?.Write(config);
        BinaryPrimitives.WriteUInt16LittleEndian(config[6..], 1);   // VIRTIO_NET_S_LINK_UP
        BinaryPrimitives.WriteUInt16LittleEndian(config[8..], (ushort)_options.QueuePairs);
        BinaryPrimitives.WriteUInt16LittleEndian(config[10..], (ushort)_options.Mtu);
        Span<byte> answer = reply.Reserve(VhostConfigPart.Size + (int)part.Count);
        part.Write(answer);
        config.Slice((int)part.Offset, (int)part.Count).CopyTo(answer[VhostConfigPart.Size..]);
        return null;
    }

    /// <summary>RESET_OWNER, and part of RESET_DEVICE.</summary>
    public string? DisableAll()
    {
        foreach (Vring ring in _rings) Enable(ring, false);
        return null;
    }

    public string? Reset()
    {
        foreach (Vring ring in _rings)
        {
            CloseRing(ring);
            Enable(ring, false);
            (ring.Size, ring.Addresses, ring.Base) = (0, null, 0);
        }
        (Features, _status) = (VirtioFeatures.None, 0);
        DropInFlight();
        _user.FeaturesChanged(Features);
        return null;
    }

    /// <summary>Stops everything; the front end is gone.</summary>
    public void Dispose()
    {
        _ = Reset();
        ProtocolFeatures = VhostProtocolFeatures.None;
        GuestMemory old = _memory;
        _memory = GuestMemory.Empty;
        foreach (GuestRegion region in old.Regions) region.Dispose();
    }

    private Vring RingAt(ulong index) =>
        index < (ulong)_rings.Length ? _rings[index] : throw new ProtocolException(WireFault.ValueOutOfRange, $"There is no ring {index}; the device has {_rings.Length}.");

    private static string? Answer(VhostReply reply, ulong value)
    {
        reply.Set(value);
        return null;
    }
}
