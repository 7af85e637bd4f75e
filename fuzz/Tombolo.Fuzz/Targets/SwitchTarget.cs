// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Linux;
using Tombolo.Switching;
using Tombolo.TestPeers;

namespace Tombolo.Fuzz.Targets;

/// <summary>A whole switch, running, with three ports: a driver (and its front end) that lies in anything it can write or say, and two honest ones that exchange numbered frames all the while.</summary>
/// <remarks>What the liar writes changes under the switch's data thread, which looks at it at the same time.</remarks>
internal sealed class SwitchTarget : IFuzzTarget
{
    private const int MostSteps = 40, RingSize = 32, BufferBytes = 2048, RingAreaBytes = 4096, LongestWaitSeconds = 20;
    private const ulong TableAt = 0x3000;   // among the buffers
    private const ulong Plain = ScriptedDriver.Version1 | ScriptedDriver.Mergeable;
    private const string Liar = "liar";
    private static readonly MacAddress _liarMac = new(0x0200_0000_0003);
    private static readonly MacAddress[] _macs = [new(0x0200_0000_0001), new(0x0200_0000_0002)];

    private readonly string _folder = Directory.CreateTempSubdirectory("tombolo-fuzz-").FullName;
    private readonly VirtualSwitch _switch;
    private readonly ScriptedDriver[] _honest = [new(), new()];
    private readonly int[] _sent = new int[2], _got = new int[2];   // by sender
    private readonly Gifts _gifts;

    public SwitchTarget()
    {
        // The liar's own frames may fill an honest port's backlog, which would cost it frames by right: it is made so large that they cannot.
        _switch = VirtualSwitch.Start(new()
        {
            Ports =
            [
                new() { Name = "a", SocketPath = PathOf("a"), Macs = [_macs[0]], QueuePairs = 1, BacklogBytes = 1 << 26 },
                new() { Name = "b", SocketPath = PathOf("b"), Macs = [_macs[1]], QueuePairs = 1, BacklogBytes = 1 << 26 },
                new() { Name = Liar, SocketPath = PathOf(Liar), Macs = [_liarMac], QueuePairs = 1, BacklogBytes = 1 << 17 },
            ],
        });
        _honest[0].Attach(PathOf("a"));
        _honest[1].Attach(PathOf("b"));
        foreach (ScriptedDriver driver in _honest) _ = driver.Refill();
        _gifts = new();
    }

    public string Name => "switch";

    public IReadOnlyList<byte[]> Words { get; } = [.. new ulong[] { 0, 1, 2, 4, 15, 16, 17, 0x80, 0x8000, 0xffff, 0x1000, 0x3000, 0x12000, 0x13000, 0x22ff0, 0x1_0000_0000, 0x7f00_0000_1000, ulong.MaxValue }.Select(BitConverter.GetBytes), [2, 0], [2, 1], [3], [5, 1]];

    public IEnumerable<byte[]> Seeds()
    {
        byte[] address = [0, 0x20, 0, 0, 0, 0, 0, 0], plain = [5, 0, 0], kick = [2, 1], round = [3];
        foreach (byte kind in new byte[] { 0, 1, 2, 3, 4, 7 })
        {
            yield return [kind, .. round, .. plain, .. round, .. plain];
            yield return [kind, 1, 1, .. address, 100, .. kick, .. round];                                    // a short frame
            yield return [kind, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0x80, 100, .. kick, .. round];                     // outside of its memory
            yield return [kind, 0, 1, 128, 0xff, 0x7f, 0xff, 0x7f, 0xff, 0x7f, 0xff, 0x7f, .. kick, .. round];   // an index that jumps, a flag that is none
            yield return [kind, .. plain, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, .. round, .. round];
            yield return [kind, 5, 1, 12, 1, 1, 42, 0, 0xc8, 5, 34, 0, 6, 0, 0, 0, .. round];                 // an offload header
            yield return [kind, 4, 11, 0, 8, 1, 0, 0, 0, 0, 0, 0, 0, .. round];                               // GET_VRING_BASE stops a ring
            yield return [kind, 4, 18, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, .. round, .. plain];                     // a ring is disabled
            yield return [kind, 4, 5, 1, 40, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, .. round];   // another memory
            yield return [kind, 4, 255, 0, 0, .. round];
        }
    }

    public string Run(ReadOnlySpan<byte> input)
    {
        var script = new ByteScript(input);
        byte kind = script.Byte();
        ulong features = Plain | ((kind & 1) != 0 ? ScriptedDriver.Packed : 0) | ((kind & 2) != 0 ? ScriptedDriver.EventIndex : 0) | ((kind & 4) != 0 ? ScriptedDriver.Indirect : 0);
        string outcome;
        using (var liar = new ScriptedDriver(features, size: RingSize, bufferBytes: BufferBytes))
        {
            liar.Attach(PathOf(Liar));
            _ = liar.Refill();
            for (int i = 0; i < MostSteps && !script.IsAtEnd; i++)
            {
                Step(ref script, liar);
                Take();
            }
            // Whatever it did is looked at: each honest frame goes behind the liar's kicks.
            for (int i = 0; i < 2; i++)
            {
                _ = EventFd.Signal(liar.KickOf(0));
                _ = EventFd.Signal(liar.KickOf(1));
                Exchange();
                TakeAll();
            }
            outcome = $"{((kind & 1) != 0 ? "packed" : "split")} {Judge()}";
        }
        Until(() => PortOf(Liar).ProcessId is null, "the liar's session has ended");
        _gifts.CheckOpenFiles();
        return outcome;
    }

    public void Dispose()
    {
        foreach (ScriptedDriver driver in _honest) driver.Dispose();
        _switch.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _gifts.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Step(ref ByteScript script, ScriptedDriver liar)
    {
        switch (script.Byte() % 6)
        {
            case 0:   // anything into a ring
                ulong at = liar.QueueAt(script.Byte() & 1).Descriptors + ((ulong)script.Byte() * 4 % (ScriptedRing.BytesFor(RingSize) - 8));
                ReadOnlySpan<byte> bytes = script.Bytes(8);
                bytes.CopyTo(liar.Memory.At(at, bytes.Length));
                break;
            case 1:   // a buffer anywhere
                int ring = script.Byte();
                ulong address = (ulong)script.Int64();
                uint length = (uint)script.Byte() << (ring >> 4);
                _ = liar.QueueAt(ring & 1).Post([new(address, length, (ring & 2) != 0)], (ring & 4) != 0 ? TableAt : 0);
                break;
            case 2:
                _ = EventFd.Signal(liar.KickOf(script.Byte() & 1));
                break;
            case 3:
                Exchange();
                break;
            case 4:
                Say(liar, script.Byte(), script.Byte(), script.Bytes(script.Byte()));
                break;
            case 5:   // a frame, as drivers send them, with any offload header
                int target = script.Byte();
                ReadOnlySpan<byte> header = script.Bytes(script.Byte() % 13);
                byte[] frame = Frame((target % 4) switch { 0 => _macs[0], 1 => _macs[1], 2 => _liarMac, _ => MacAddress.Broadcast }, _liarMac, target, 64 + (target * 4));
                // Not as the scripted driver would: that reaps its ring first, and believes what the liar wrote there.
                ulong buffer = liar.QueueAt(1).Descriptors + RingAreaBytes + (ulong)(target % RingSize * BufferBytes);
                Span<byte> bytesThere = liar.Memory.At(buffer, liar.HeaderBytes + frame.Length);
                bytesThere.Clear();
                header.CopyTo(bytesThere);
                frame.CopyTo(bytesThere[liar.HeaderBytes..]);
                _ = liar.QueueAt(1).Post([new(buffer, (uint)bytesThere.Length)]);
                _ = EventFd.Signal(liar.KickOf(1));
                break;
        }
    }

    // A request of the front end's; nobody waits for the answer.
    private void Say(ScriptedDriver liar, byte request, byte gift, ReadOnlySpan<byte> payload)
    {
        byte[] message = [.. BitConverter.GetBytes((uint)request), .. BitConverter.GetBytes(1u), .. BitConverter.GetBytes((uint)payload.Length), .. payload];
        _ = UnixSocket.Send(liar.FrontEnd!.Socket, message, _gifts.Choose(gift));   // the switch may have hung up
    }

    // Each honest port sends to the other, to all, and to the liar.
    private void Exchange()
    {
        for (int from = 0; from < 2; from++)
            foreach (MacAddress to in new[] { _macs[1 - from], MacAddress.Broadcast, _liarMac })
            {
                ScriptedDriver driver = _honest[from];
                byte[] frame = Frame(to, _macs[from], to == _liarMac ? -1 : _sent[from]++, 64 + (_sent[from] % 1400));
                Until(() => driver.TrySend(frame), "there is room for an honest frame");
            }
    }

    // Takes what has come to the honest ports, and judges it.
    private void Take()
    {
        for (int to = 0; to < 2; to++)
        {
            while (_honest[to].TryReceive() is { } one)
            {
                MacAddress destination = MacAddress.Read(one.Frame), source = MacAddress.Read(one.Frame.AsSpan(6));
                FuzzFinding.Require(destination == _macs[to] || destination.IsMulticast, $"Port {to} got a frame for {destination}.");
                if (source == _liarMac) continue;
                FuzzFinding.Require(source == _macs[1 - to], $"Port {to} got a frame from {source}, which the liar may not send with.");
                int number = _got[1 - to]++;
                FuzzFinding.Require(one.Frame.AsSpan().SequenceEqual(Frame(destination, source, number, one.Frame.Length)), $"Port {to} did not get frame {number} next, or not as it was sent.");
            }
            _ = _honest[to].Refill();
        }
    }

    private void TakeAll() => Until(() =>
    {
        Take();
        return _got[0] == _sent[0] && _got[1] == _sent[1];
    }, "every honest frame has arrived");

    private string Judge()
    {
        FuzzFinding.Require(!_switch.Completion.IsCompleted, "The switch has ended.");
        PortSnapshot liar = PortOf(Liar);
        foreach (string name in new[] { "a", "b" })
        {
            PortSnapshot honest = PortOf(name);
            FuzzFinding.Require(honest is { IsUp: true, Fault: null, ProcessId: not null } && honest[PortCounter.ReceiverFull] == 0, $"Port {name} suffers: {honest.Fault ?? honest.LastEnd}, {honest[PortCounter.ReceiverFull]} frames lost.");
        }
        if (liar.Fault is { } fault) return fault;
        return liar.ProcessId is null ? "hung up" : liar.IsUp ? "goes on" : "down";
    }

    private PortSnapshot PortOf(string name) => _switch.SnapshotAsync().GetAwaiter().GetResult().Ports.First(port => port.Options.Name == name);

    private static byte[] Frame(MacAddress to, MacAddress from, int number, int length)
    {
        byte[] frame = new byte[length];
        frame.AsSpan().Fill((byte)number);
        to.Write(frame);
        from.Write(frame.AsSpan(6));
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), 0x88b5);   // for experiments
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(14), number);
        return frame;
    }

    // Ends a hang; no measure of speed.
    private static void Until(Func<bool> holds, string what)
    {
        long end = Environment.TickCount64 + (LongestWaitSeconds * 1000);
        while (!holds())
        {
            FuzzFinding.Require(Environment.TickCount64 < end, $"In vain waited until {what}.");
            _ = Thread.Yield();
        }
    }

    private string PathOf(string port) => Path.Combine(_folder, port);
}
