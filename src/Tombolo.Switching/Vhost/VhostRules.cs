// SPDX-License-Identifier: MIT
using System.Collections.Frozen;
using Tombolo.Linux;
using Tombolo.Wire;

namespace Tombolo.Switching;

/// <summary>Handles one request whose size and descriptors were judged already.</summary>
/// <returns>Null, or why it cannot be done: the front end is told so if it asked, else its session ends.</returns>
internal delegate string? VhostHandler(VhostDevice device, ReadOnlySpan<byte> payload, FdInbox descriptors, VhostReply reply);

/// <summary>What a request must look like, and who handles it.</summary>
internal readonly record struct VhostRule(VhostProtocolFeatures Needs, int LeastBytes, int MostBytes, int LeastFds, int MostFds, VhostHandler Handle);

/// <summary>The table of every request that is understood. What is not in it is not offered, so that asking for it breaks the protocol.</summary>
internal static class VhostRules
{
    private const int None = 0, Word = 8, State = 8, Region = 8 + VhostRegion.Bytes, InFlight = 24, InFlightUnpadded = 20;
    private static readonly int _config = VhostConfigPart.Size;

    private static readonly FrozenDictionary<VhostRequest, VhostRule> _all = new Dictionary<VhostRequest, VhostRule>
    {
        [VhostRequest.GetFeatures] = Exactly(None, static (device, _, _, reply) => device.GetFeatures(reply)),
        [VhostRequest.SetFeatures] = Exactly(Word, static (device, payload, _, _) => device.SetFeatures(U64(payload))),
        [VhostRequest.SetOwner] = Exactly(None, static (_, _, _, _) => null),
        [VhostRequest.ResetOwner] = Exactly(None, static (device, _, _, _) => device.DisableAll()),
        [VhostRequest.SetMemoryTable] = new(0, 8, 8 + (VhostRegion.Bytes * GuestMemory.MaxRegions), 0, GuestMemory.MaxRegions, static (device, payload, fds, _) => device.SetMemoryTable(payload, fds)),
        [VhostRequest.SetVringNum] = Exactly(State, static (device, payload, _, _) => device.SetVringNum(Read<VringState>(payload))),
        [VhostRequest.SetVringAddress] = Exactly(VringAddresses.Size, static (device, payload, _, _) => device.SetVringAddresses(Read<VringAddresses>(payload))),
        [VhostRequest.SetVringBase] = Exactly(State, static (device, payload, _, _) => device.SetVringBase(Read<VringState>(payload))),
        [VhostRequest.GetVringBase] = Exactly(State, static (device, payload, _, reply) => device.GetVringBase(Read<VringState>(payload), reply)),
        [VhostRequest.SetVringKick] = WithFd(0, static (device, payload, fds, _) => device.SetVringKick(U64(payload), fds)),
        [VhostRequest.SetVringCall] = WithFd(0, static (device, payload, fds, _) => device.SetVringCall(U64(payload), fds)),
        [VhostRequest.SetVringError] = WithFd(0, static (device, payload, fds, _) => device.SetVringError(U64(payload), fds)),
        [VhostRequest.GetProtocolFeatures] = Exactly(None, static (device, _, _, reply) => device.GetProtocolFeatures(reply)),
        [VhostRequest.SetProtocolFeatures] = Exactly(Word, static (device, payload, _, _) => device.SetProtocolFeatures(U64(payload))),
        [VhostRequest.GetQueueCount] = Exactly(None, static (device, _, _, reply) => device.GetQueueCount(reply)),
        [VhostRequest.SetVringEnable] = Exactly(State, static (device, payload, _, _) => device.SetVringEnable(Read<VringState>(payload))),
        [VhostRequest.SendRarp] = Exactly(Word, static (device, payload, _, _) => device.SendRarp(payload), VhostProtocolFeatures.Rarp),
        [VhostRequest.SetMtu] = Exactly(Word, static (device, payload, _, _) => device.SetMtu(U64(payload)), VhostProtocolFeatures.Mtu),
        [VhostRequest.GetConfig] = new(VhostProtocolFeatures.Config, _config, _config + VhostConfigPart.MaxBytes, 0, 0, static (device, payload, _, reply) => device.GetConfig(payload, reply)),
        [VhostRequest.SetConfig] = new(VhostProtocolFeatures.Config, _config, _config + VhostConfigPart.MaxBytes, 0, 0, static (_, _, _, _) => "All of a network device's configuration is read-only."),
        [VhostRequest.GetInFlightFd] = new(VhostProtocolFeatures.InFlight, InFlightUnpadded, InFlight, 0, 0, static (device, payload, _, reply) => device.GetInFlight(payload, reply)),
        [VhostRequest.SetInFlightFd] = new(VhostProtocolFeatures.InFlight, InFlightUnpadded, InFlight, 1, 1, static (device, payload, fds, _) => device.SetInFlight(payload, fds)),
        [VhostRequest.ResetDevice] = Exactly(None, static (device, _, _, _) => device.Reset(), VhostProtocolFeatures.ResetDevice),
        [VhostRequest.GetMaxMemorySlots] = Exactly(None, static (_, _, _, reply) => VhostDevice.GetMaxMemorySlots(reply), VhostProtocolFeatures.MemorySlots),
        [VhostRequest.AddMemoryRegion] = new(VhostProtocolFeatures.MemorySlots, Region, Region, 1, 1, static (device, payload, fds, _) => device.AddMemoryRegion(Read<VhostRegion>(payload[8..]), fds)),
        [VhostRequest.RemoveMemoryRegion] = new(VhostProtocolFeatures.MemorySlots, Region, Region, 0, 1, static (device, payload, _, _) => device.RemoveMemoryRegion(Read<VhostRegion>(payload[8..]))),
        [VhostRequest.SetStatus] = Exactly(Word, static (device, payload, _, _) => device.SetStatus(U64(payload)), VhostProtocolFeatures.Status),
        [VhostRequest.GetStatus] = Exactly(None, static (device, _, _, reply) => device.GetStatus(reply), VhostProtocolFeatures.Status),
    }.ToFrozenDictionary();

    /// <summary>Every request that is understood.</summary>
    public static IEnumerable<VhostRequest> Understood => _all.Keys;

    /// <summary>Applies the gates in their order: descriptors, what was agreed on, size; then the handler, which checks the message itself.</summary>
    /// <exception cref="ProtocolException">The front end broke the protocol; its session ends.</exception>
    public static string? Apply(VhostDevice device, in VhostHeader header, ReadOnlySpan<byte> payload, FdInbox descriptors, VhostReply reply)
    {
        VhostRequest request = header.Request;
        if (descriptors.WasTruncated) throw new ProtocolException(WireFault.WrongFdCount, $"{request} came with more descriptors than this process can take.");
        if (!_all.TryGetValue(request, out VhostRule rule)) throw new ProtocolException(WireFault.OutOfOrder, $"{request} belongs to a feature that was not offered.");
        if (descriptors.Count < rule.LeastFds || descriptors.Count > rule.MostFds)
            throw new ProtocolException(WireFault.WrongFdCount, $"{request} came with {descriptors.Count} descriptors; it has {rule.LeastFds} to {rule.MostFds}.");
        if ((rule.Needs & ~device.ProtocolFeatures) != 0) throw new ProtocolException(WireFault.OutOfOrder, $"{request} needs the protocol feature {rule.Needs}, which was not agreed on.");
        if (payload.Length < rule.LeastBytes || payload.Length > rule.MostBytes)
            throw new ProtocolException(payload.Length < rule.LeastBytes ? WireFault.TooShort : WireFault.PayloadTooLong, $"{request} has {payload.Length} bytes; it must have {rule.LeastBytes} to {rule.MostBytes}.");
        return rule.Handle(device, payload, descriptors, reply);
    }

    /// <summary>Reads a message and judges its syntax.</summary>
    /// <exception cref="ProtocolException">It is too short, or <see cref="IWire{TSelf}.Check"/> finds a fault.</exception>
    public static T Read<T>(ReadOnlySpan<byte> payload) where T : struct, IWire<T>
    {
        WireFault fault = T.TryRead(payload, out T value) ? value.Check() : WireFault.TooShort;
        return fault == WireFault.None ? value : throw new ProtocolException(fault, $"The message {value} has a fault: {fault}.");
    }

    private static VhostRule Exactly(int bytes, VhostHandler handler, VhostProtocolFeatures needs = VhostProtocolFeatures.None) => new(needs, bytes, bytes, 0, 0, handler);

    private static VhostRule WithFd(int least, VhostHandler handler) => new(VhostProtocolFeatures.None, Word, Word, least, 1, handler);

    private static ulong U64(ReadOnlySpan<byte> payload) => System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(payload);
}
