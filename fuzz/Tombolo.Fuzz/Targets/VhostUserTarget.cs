// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Switching;
using Tombolo.Wire;

namespace Tombolo.Fuzz.Targets;

/// <summary>A front end that sends any requests, in any order, with any descriptors.</summary>
internal sealed class VhostUserTarget : IFuzzTarget, IVringUser
{
    private const int MostMessages = 40;
    private readonly Gifts _gifts = new();
    private int _started;

    public string Name => "vhost-user";

    public IReadOnlyList<byte[]> Words { get; } = [.. new ulong[] { 1, 2, 8, 16, 64, 256, 4096, 0x10000, 0x7f00_0000_0000, 0x7f00_0000_1000, 1UL << 32, 1UL << 34, 0x1_5000_8000, 0x1b08d }.Select(BitConverter.GetBytes)];

    public IEnumerable<byte[]> Seeds()
    {
        byte[] region = [.. Long(0), .. Long(0x10000), .. Long(0x7f00_0000_0000), .. Long(0)], state = [0, 0, 0, 0, 16, 0, 0, 0];
        byte[] address = [.. Long(0), .. Long(0x7f00_0000_0000), .. Long(0x7f00_0000_2000), .. Long(0x7f00_0000_1000), .. Long(0)];
        byte[] start =
        [
            .. Say(16, 0, Long(0x1b08d)), .. Say(2, 0, Long(0x1_5000_8000)), .. Say(5, 1, [1, 0, 0, 0, 0, 0, 0, 0, .. region]), .. Say(8, 0, state), .. Say(10, 0, Long(0)), .. Say(9, 0, address),
            .. Say(12, 2, Long(0)), .. Say(13, 2, Long(0)), .. Say(18, 0, [0, 0, 0, 0, 1, 0, 0, 0]),
        ];
        return [[.. Say(1, 0, [])], start, [.. start, .. Say(11, 0, Long(0))], [.. start, .. Say(34, 0, [])], [.. start, .. Say(37, 1, [.. Long(0), .. Long(0x100000), .. Long(0x1000), .. Long(0x7e00_0000_0000), .. Long(0)])],
            [.. start, .. Say(31, 0, [.. Long(0), .. Long(0), 2, 0, 16, 0, 0, 0, 0, 0])], [.. start, .. Say(24, 0, [0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])], [.. start, .. Say(5, 0, Long(0))]];
    }

    public string Run(ReadOnlySpan<byte> input)
    {
        _started = 0;
        (SafeFd ours, SafeFd theirs) = UnixSocket.Pair(UnixSocketKind.Stream);
        ours.SetNonBlocking();
        using SafeFd front = theirs;
        using var session = new VhostSession(ours, default, new(new() { ProtocolFeatures = VhostDeviceOptions.AllProtocolFeatures }, this));
        var script = new ByteScript(input);
        byte[] answers = new byte[8192];
        int refused = 0;
        for (int i = 0; i < MostMessages && !script.IsAtEnd; i++)
        {
            byte request = script.Byte();
            SafeFd[] gift = _gifts.Choose(script.Byte());
            ReadOnlySpan<byte> payload = script.Bytes(script.Byte());
            byte[] message = [.. BitConverter.GetBytes((uint)request), .. BitConverter.GetBytes(9u), .. BitConverter.GetBytes((uint)payload.Length), .. payload];
            if (!UnixSocket.Send(front, message, gift).IsMoved) return "cannot send";
            try { _ = session.Serve((_, _) => refused++); }
            catch (ProtocolException exception) { return $"{exception.Fault} after {Math.Min(i, 3)}, {_started} started"; }
            catch (LinuxException) { return "the kernel refused"; }
            using var inbox = new FdInbox();
            _ = UnixSocket.Receive(front, answers, inbox);
        }
        _gifts.CheckOpenFiles();
        return $"served, {Math.Min(refused, 2)} refused, {Math.Min(_started, 3)} started, {session.Device.Memory.Regions.Count} regions";
    }

    public void RingStarted(Vring ring) => _started++;

    public void RingStopping(Vring ring, bool isBrief) { }

    public void RingEnabled(Vring ring) { }

    public void FeaturesChanged(VirtioFeatures features) { }

    public void Announce(MacAddress address) { }

    public void Dispose() => _gifts.Dispose();

    private static byte[] Say(byte request, byte gift, byte[] payload) => [request, gift, (byte)payload.Length, .. payload];

    private static byte[] Long(ulong value) => BitConverter.GetBytes(value);
}
