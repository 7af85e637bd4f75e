// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Linux;

namespace Tombolo.TestPeers;

/// <summary>A network card's driver with its front end: rings in scripted memory, announced over a vhost-user socket, frames in and out.</summary>
/// <remarks>Guest memory from 0: rings, then one buffer of a fixed size for each descriptor. One queue pair has rings 2n (receive) and 2n+1 (transmit).</remarks>
public sealed class ScriptedDriver : IDisposable
{
    public const ulong Version1 = 1UL << 32, Mergeable = 1UL << 15, EventIndex = 1UL << 29, Packed = 1UL << 34, Indirect = 1UL << 28, ProtocolFeature = 1UL << 30;
    public const ulong ReplyAck = 8, MultiQueue = 1, InFlightFd = 1 << 12, MemSlots = 1 << 15, MtuFeature = 1 << 4, ResetFeature = 1 << 13, RarpFeature = 4, ConfigFeature = 1 << 9, StatusFeature = 1 << 16;
    private readonly int _bufferBytes, _size;
    private readonly Ring[] _rings;

    private sealed record Ring(ScriptedRing Queue, SafeFd Kick, SafeFd Call, ulong Buffers)
    {
        public readonly Dictionary<ushort, ulong> Posted = [];
        public readonly Stack<ulong> Free = new();
    }

    public ScriptedDriver(ulong features = Version1 | Mergeable, int pairs = 1, int size = 64, int bufferBytes = 2048, ulong protocolFeatures = ReplyAck | MultiQueue | MemSlots, bool isSealable = true)
    {
        (Features, ProtocolFeatures, _size, _bufferBytes) = (features | ProtocolFeature, protocolFeatures, size, bufferBytes);
        ulong ringBytes = (ScriptedRing.BytesFor(size) + 4095) & ~4095UL, bufferArea = (((ulong)(size * bufferBytes)) + 4095) & ~4095UL;
        Memory = new(((ringBytes + bufferArea) * (ulong)(2 * pairs)) + 4096, isSealable);
        _rings = new Ring[2 * pairs];
        ulong at = 4096;
        for (int i = 0; i < _rings.Length; i++, at += ringBytes + bufferArea)
        {
            bool events = (features & EventIndex) != 0;
            ScriptedRing queue = (features & Packed) != 0 ? new ScriptedPackedRing(Memory, at, size, events) : new ScriptedSplitRing(Memory, at, size, events);
            _rings[i] = new(queue, EventFd.Create(), EventFd.Create(), at + ringBytes);
            for (int b = size - 1; b >= 0; b--) _rings[i].Free.Push(at + ringBytes + (ulong)(b * bufferBytes));
        }
    }

    public ulong Features { get; }
    public ulong ProtocolFeatures { get; }
    public ScriptedMemory Memory { get; }
    public ScriptedFrontEnd? FrontEnd { get; private set; }
    public int HeaderBytes => (Features & (Version1 | Mergeable)) != 0 ? 12 : 10;
    public int Pairs => _rings.Length / 2;

    public ScriptedRing QueueAt(int ring) => _rings[ring].Queue;

    public SafeFd KickOf(int ring) => _rings[ring].Kick;

    public SafeFd CallOf(int ring) => _rings[ring].Call;

    /// <summary>Connects and says everything that makes the rings run.</summary>
    public void Attach(string path) => Attach(ScriptedFrontEnd.Connect(path));

    public void Attach(ScriptedFrontEnd frontEnd)
    {
        Negotiate(frontEnd);
        _ = frontEnd.Do(ScriptedFrontEnd.SetMemTable, MemoryTable(), [.. Memory.Regions.Select(_ => Memory.Descriptor)]);
        for (int i = 0; i < _rings.Length; i++) StartRing(i);
    }

    public void Negotiate(ScriptedFrontEnd frontEnd)
    {
        FrontEnd = frontEnd;
        _ = frontEnd.Ask(ScriptedFrontEnd.GetFeatures);
        _ = frontEnd.Ask(ScriptedFrontEnd.GetProtocolFeatures);
        frontEnd.Send(ScriptedFrontEnd.SetProtocolFeatures, ScriptedFrontEnd.U64(ProtocolFeatures));
        frontEnd.Send(ScriptedFrontEnd.SetOwner, []);
        frontEnd.Send(ScriptedFrontEnd.SetFeatures, ScriptedFrontEnd.U64(Features));
    }

    public void StartRing(int i, uint? ringBase = null)
    {
        Ring ring = _rings[i];
        ScriptedFrontEnd front = FrontEnd!;
        uint start = ringBase ?? ((Features & Packed) != 0 ? 0x8000_8000 : 0);
        Require(front.Do(ScriptedFrontEnd.SetVringNum, ScriptedFrontEnd.State((uint)i, (uint)_size)));
        Require(front.Do(ScriptedFrontEnd.SetVringBase, ScriptedFrontEnd.State((uint)i, start)));
        Require(front.Do(ScriptedFrontEnd.SetVringAddr, Addresses(i)));
        Require(front.Do(ScriptedFrontEnd.SetVringCall, ScriptedFrontEnd.U64((ulong)i), ring.Call));
        Require(front.Do(ScriptedFrontEnd.SetVringKick, ScriptedFrontEnd.U64((ulong)i), ring.Kick));
        Require(front.Do(ScriptedFrontEnd.SetVringEnable, ScriptedFrontEnd.State((uint)i, 1)));
    }

    public byte[] Addresses(int i)
    {
        byte[] bytes = new byte[40];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)i);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), _rings[i].Queue.Descriptors + ScriptedMemory.UserOffset);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), _rings[i].Queue.Device + ScriptedMemory.UserOffset);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), _rings[i].Queue.Driver + ScriptedMemory.UserOffset);
        return bytes;
    }

    public byte[] MemoryTable()
    {
        byte[] bytes = [.. BitConverter.GetBytes(Memory.Regions.Count), 0, 0, 0, 0];
        foreach ((ulong guest, ulong size, ulong offset) in Memory.Regions) bytes = [.. bytes, .. Region(guest, size, offset)];
        return bytes;
    }

    public static byte[] Region(ulong guest, ulong size, ulong offset) =>
        [.. BitConverter.GetBytes(guest), .. BitConverter.GetBytes(size), .. BitConverter.GetBytes(guest + ScriptedMemory.UserOffset), .. BitConverter.GetBytes(offset)];

    /// <summary>Gives the device every free buffer to receive into.</summary>
    /// <returns>How many.</returns>
    public int Refill(int pair = 0, int most = int.MaxValue)
    {
        Ring ring = _rings[2 * pair];
        int count = 0;
        while (count < most && ring.Free.TryPeek(out ulong at))
        {
            int id = ring.Queue.Post([new(at, (uint)_bufferBytes, IsWritable: true)]);
            if (id < 0) break;
            ring.Posted[(ushort)id] = ring.Free.Pop();
            count++;
        }
        if (count > 0) Kick(2 * pair);
        return count;
    }

    /// <summary>Sends a frame.</summary>
    /// <param name="frame">From the destination address on.</param>
    /// <param name="header">The offload header; none: zeros.</param>
    /// <param name="pair">Over which queue pair.</param>
    /// <param name="pieces">Over how many descriptors.</param>
    /// <returns>False where the ring is full.</returns>
    public bool TrySend(ReadOnlySpan<byte> frame, ReadOnlySpan<byte> header = default, int pair = 0, int pieces = 1, bool kick = true)
    {
        Ring ring = _rings[(2 * pair) + 1];
        int total = HeaderBytes + frame.Length, each = (total + pieces - 1) / pieces;
        Reap(ring);
        if (ring.Free.Count * _bufferBytes < total) return false;
        byte[] bytes = new byte[total];
        header.CopyTo(bytes);
        frame.CopyTo(bytes.AsSpan(HeaderBytes));
        var buffers = new List<ScriptedBuffer>();
        var used = new List<ulong>();
        for (int at = 0; at < total;)
        {
            int part = Math.Min(Math.Min(each, _bufferBytes), total - at);
            if (!ring.Free.TryPop(out ulong address)) break;
            bytes.AsSpan(at, part).CopyTo(Memory.At(address, part));
            buffers.Add(new(address, (uint)part));
            used.Add(address);
            at += part;
        }
        int id = ring.Queue.Post([.. buffers]);
        if (id < 0)
        {
            foreach (ulong address in used) ring.Free.Push(address);
            return false;
        }
        ring.Posted[(ushort)id] = used[0];
        _more[(ring, (ushort)id)] = used;
        if (kick) Kick((2 * pair) + 1);
        return true;
    }

    /// <summary>Takes a frame that was received, if there is one.</summary>
    /// <returns>The offload header and the frame.</returns>
    public (byte[] Header, byte[] Frame)? TryReceive(int pair = 0)
    {
        Ring ring = _rings[2 * pair];
        if (!ring.Queue.TryGetUsed(out ushort id, out uint length)) return null;
        byte[] bytes = Take(ring, id, length);
        int buffers = HeaderBytes == 12 ? BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(10)) : 1;
        for (int i = 1; i < buffers; i++)
        {
            if (!ring.Queue.TryGetUsed(out id, out length)) throw new IOException($"A frame in {buffers} buffers came with {i}.");
            bytes = [.. bytes, .. Take(ring, id, length)];
        }
        return (bytes[..HeaderBytes], bytes[HeaderBytes..]);
    }

    /// <summary>How many sent frames the device has not given back.</summary>
    public int Unsent(int pair = 0)
    {
        Ring ring = _rings[(2 * pair) + 1];
        Reap(ring);
        return ring.Queue.Outstanding;
    }

    /// <summary>Kicks, if the device asks for it.</summary>
    public void Kick(int ring)
    {
        if (!_rings[ring].Queue.NeedsKick())
        {
            KicksSpared++;
            return;
        }
        KicksSent++;
        _ = EventFd.Signal(_rings[ring].Kick);
    }

    /// <summary>Kicks that the device had asked for.</summary>
    public int KicksSent { get; private set; }

    /// <summary>Kicks that it had not, and that were not made.</summary>
    public int KicksSpared { get; private set; }

    public void Detach()
    {
        FrontEnd?.Dispose();
        FrontEnd = null;
    }

    public void Dispose()
    {
        Detach();
        foreach (Ring ring in _rings)
        {
            ring.Kick.Dispose();
            ring.Call.Dispose();
        }
        Memory.Dispose();
    }

    private readonly Dictionary<(Ring, ushort), List<ulong>> _more = [];

    private byte[] Take(Ring ring, ushort id, uint length)
    {
        ulong at = ring.Posted[id];
        _ = ring.Posted.Remove(id);
        byte[] bytes = Memory.At(at, (int)length).ToArray();
        ring.Free.Push(at);
        return bytes;
    }

    private void Reap(Ring ring)
    {
        while (ring.Queue.TryGetUsed(out ushort id, out _))
            if (_more.Remove((ring, id), out List<ulong>? used))
                foreach (ulong at in used) ring.Free.Push(at);
    }

    private static void Require(ulong acknowledgement)
    {
        if (acknowledgement != 0) throw new IOException($"The back end refused: {acknowledgement}.");
    }
}
