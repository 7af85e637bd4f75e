// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tombolo.Channels;
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Fuzz.Targets;

/// <summary>Channels of every kind whose memory somebody else writes, between the steps and (in another thread) during them. Every call ends, with a result or the session's end; nothing outside the channels is touched.</summary>
internal sealed class ChannelTarget : IFuzzTarget
{
    private const int Guard = 4096, AreaBytes = 48 << 10, Block = 4096, Kinds = 5;
    private const byte GuardByte = 0x5A;
    private static readonly ulong[] _values = [0, 1, 4, 8, 16, 256, 264, 1024, ulong.MaxValue, 1UL << 32, (2UL << 32) | 16, (1UL << 32) | uint.MaxValue, long.MaxValue, 1UL << 63];
    private static readonly ChannelAreaOptions _area = new() { OffsetBytes = Guard, LengthBytes = AreaBytes, Entries = 8, Parties = 2, Patience = TimeSpan.Zero };
    private static readonly EndOptions _end = new() { Spin = TimeSpan.Zero, CheckInterval = TimeSpan.FromMilliseconds(1) };
    private static readonly CancellationToken _stopped = new(canceled: true);

    private readonly SafeFd _memory = Memfd.Create("tombolo-fuzz-channels", AreaBytes + (2 * Guard));
    private readonly Window _window;
    private readonly byte[] _guard = [.. Enumerable.Repeat(GuardByte, Guard)], _buffer = new byte[1024];
    private readonly FuzzParty[] _parties = [new(1), new(2)];
    private readonly ChannelArea?[] _areas = new ChannelArea?[2];
    private readonly object?[] _ends = new object?[2 * Kinds];
    private readonly SortedSet<string> _seen = new(StringComparer.Ordinal);
    private readonly Thread _scribbler;
    private readonly ManualResetEventSlim _scribbles = new();
    private volatile bool _isOver;
    private volatile int _seed;

    public ChannelTarget()
    {
        Memfd.Add(_memory, Seals.Shrink);
        _window = Window.Map(_memory);
        _scribbler = new(Scribble) { IsBackground = true };
        _scribbler.Start();
    }

    public string Name => "channels";

    public IReadOnlyList<byte[]> Words { get; } = [[1, 0], [1, 1], [1, 2], [1, 3], [1, 4], [1, 5], [1, 6], [1, 7], [1, 8], [1, 9], [3, 0, 0, 40], [3, 1, 0, 0], [0, 4, 1, 0], [0, 1, 8, 0, 255]];

    // 1 END opens; 3 END WHAT LENGTH acts; 0 PAGE WORD WHAT … lies. The first byte says whether the scribbler takes part.
    public IEnumerable<byte[]> Seeds()
    {
        for (byte kind = 0; kind < Kinds; kind++)
        {
            byte spoke = (byte)(2 * kind), hub = (byte)((2 * kind) + 1);
            byte[] traffic = [1, spoke, 1, hub, 3, spoke, 0, 40, 3, spoke, 1, 90, 3, hub, 0, 50, 3, hub, 1, 0, 3, spoke, 3, 9, 3, hub, 2, 20, 3, hub, 5, 1, 2, spoke, 3, hub, 0, 0];
            yield return [0, .. traffic];
            yield return [7, .. traffic, .. traffic, .. traffic];
        }
        yield return [0, 1, 0, 1, 1, 0, 1, 24, 0, 255, 3, 1, 0, 0, 5, 0, 5, 1, 5, 2, 5, 3];   // a head that lies, then the directory
    }

    public string Run(ReadOnlySpan<byte> input)
    {
        var script = new ByteScript(input);
        Prepare();
        byte seed = script.Byte();
        if (seed != 0) Let(seed);
        try
        {
            for (int step = 0; step < 200 && !script.IsAtEnd; step++) Do(ref script);
        }
        finally
        {
            _scribbles.Reset();
            for (int slot = 0; slot < _ends.Length; slot++) Close(slot);
            for (int side = 0; side < _areas.Length; side++) Guarded("close", () => _areas[side]?.Dispose());
        }
        CheckGuards();
        return string.Join(',', _seen);
    }

    public void Dispose()
    {
        _isOver = true;
        _scribbles.Set();
        _scribbler.Join();
        _scribbles.Dispose();
        _window.Dispose();
        _memory.Dispose();
    }

    private void Prepare()
    {
        _seen.Clear();
        _window.View(Guard, AreaBytes).Clear(0, AreaBytes);
        _window.View(0, Guard).CopyIn(0, _guard);
        _window.View(Guard + AreaBytes, Guard).CopyIn(0, _guard);
        for (int side = 0; side < _areas.Length; side++) _areas[side] = ChannelArea.Open(_window, _parties[side], _area);
        for (int kind = 0; kind < Kinds; kind++)
            _ = _areas[0]!.Create(NameOf(kind), new() { Kind = (ChannelKind)(kind + 1), CapacityBytes = 1024, Spokes = kind is 0 or 4 ? 1 : 2 });
    }

    private void Do(ref ByteScript script)
    {
        int slot;
        switch (script.Byte() % 6)
        {
            case 0:
                Lie(ref script);
                break;
            case 1:
                slot = script.Byte() % _ends.Length;
                int how = script.Byte();
                Close(slot);
                Guarded($"open {slot}", () => _ends[slot] = Open(slot, how));
                break;
            case 2:
                Close(script.Byte() % _ends.Length);
                break;
            case 5:
                int what = script.Byte();
                Guarded("directory", () => UseDirectory(what));
                break;
            default:
                slot = script.Byte() % _ends.Length;
                (int doing, int length) = (script.Byte(), script.Byte() * 4);
                if (_ends[slot] is { } end && !Guarded($"use {slot}", () => Use(end, doing, length))) Close(slot);
                break;
        }
    }

    // The one thing that may come of anything is the session's end, or an answer.
    private bool Guarded(string what, Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (OperationCanceledException) { return true; }
        catch (TimeoutException) { return true; }
        catch (Exception end) when (end is ProtocolException or ChannelException or IOException)
        {
            _ = _seen.Add($"{what}: {(end as ChannelException)?.Fault.ToString() ?? end.GetType().Name}");
            return false;
        }
    }

    private void Close(int slot)
    {
        var end = _ends[slot] as IDisposable;
        _ends[slot] = null;
        if (end is not null) _ = Guarded($"close {slot}", end.Dispose);
    }

    private object Open(int slot, int how)
    {
        ChannelArea area = _areas[slot % 2] ??= ChannelArea.Open(_window, _parties[slot % 2], _area);
        string name = NameOf(slot / 2);
        return slot switch
        {
            0 or 2 => area.OpenProducer(name, _end),
            1 => area.OpenConsumer(name, _end),
            3 => area.OpenFanIn(name, _end),
            4 => area.OpenSubscriber(name, (SubscriberPolicy)(how % 3), resumes: how > 127, _end),
            5 => area.OpenPublisher(name, _end),
            6 => area.OpenClient(name, _end),
            7 => area.OpenServer(name, _end),
            8 => area.OpenCaller(name, _end),
            _ => area.OpenListener(name, _end),
        };
    }

    private void Use(object end, int what, int length)
    {
        switch (end)
        {
            case MessageWriter writer: Write(writer, what, length); break;
            case MessageReader reader: Read(reader, what); break;
            case RequestServer server: Serve(server, what, length); break;
            case RequestClient client: Call(client, what, length); break;
            case ChannelStream stream: Flow(stream, what, length); break;
        }
    }

    private void Write(MessageWriter to, int what, int length)
    {
        length = Math.Min(length, to.MaxMessage);
        switch (what % 6)
        {
            case 0: _ = to.TryWrite(_buffer.AsSpan(0, length)); break;
            case 1:
                if (!to.TryReserve(length, out Span<byte> room)) break;
                CheckPlace(room);
                room.Fill(1);
                to.Commit(length / 2, publish: what > 127);
                break;
            case 2: to.Publish(); break;
            case 3: _ = to.WaitForRoom(length, TimeSpan.FromTicks(what)); break;
            case 4: _ = to.TryWrite(1L); break;
            default: _ = to.WaitForRoomAsync(length, TimeSpan.Zero).AsTask().GetAwaiter().GetResult(); break;
        }
    }

    private void Read(MessageReader from, int what)
    {
        switch (what % 7)
        {
            case 0:
                if (!from.TryBorrow(out ReadOnlySpan<byte> message)) break;
                if (from is not Subscriber { Policy: not SubscriberPolicy.Block }) CheckPlace(message);
                message.CopyTo(_buffer);
                break;
            case 1: from.Release(); break;
            case 2: _ = from.TryRead(_buffer, out _); break;
            case 3: _ = from.TryRead(out byte[]? _); break;
            case 4: _ = from.TryRead(out long _); break;
            case 5: _ = from.WaitForMessage(TimeSpan.FromTicks(what)); break;
            default: _ = from.WaitForMessageAsync(TimeSpan.Zero).AsTask().GetAwaiter().GetResult(); break;
        }
    }

    private void Serve(RequestServer server, int what, int length)
    {
        if (what % 4 == 0) _ = server.WaitForRequest(TimeSpan.FromTicks(what));
        if (!server.TryTake(out Request request)) return;
        CheckPlace(request.Bytes);
        request.Bytes.CopyTo(_buffer);
        if (what % 4 == 1) _ = server.WaitForRequest(TimeSpan.Zero);   // while one is in hand
        if (what % 4 == 2) server.Refuse(request);
        else _ = server.Reply(request, _buffer.AsSpan(0, Math.Min(length, server.MaxMessage)));
    }

    private void Call(RequestClient client, int what, int length)
    {
        ReadOnlyMemory<byte> request = _buffer.AsMemory(0, Math.Min(length, client.MaxMessage));
        if (what % 2 == 0) _ = client.Call(request.Span, _buffer, out _, TimeSpan.FromTicks(what));
        else _ = client.CallAsync(request, TimeSpan.Zero).AsTask().GetAwaiter().GetResult();
    }

    private void Flow(ChannelStream stream, int what, int length)
    {
        if (what % 2 == 0) stream.WriteAsync(_buffer.AsMemory(0, length), _stopped).AsTask().GetAwaiter().GetResult();
        else _ = stream.ReadAsync(_buffer.AsMemory(0, Math.Max(1, length)), _stopped).AsTask().GetAwaiter().GetResult();
    }

    private void UseDirectory(int what)
    {
        ChannelArea area = _areas[what % 2] ??= ChannelArea.Open(_window, _parties[what % 2], _area);
        string name = NameOf(what / 8 % Kinds);
        switch (what / 2 % 8)
        {
            case 0: _ = area.List(); break;
            case 1: _ = area.Find(name); break;
            case 2: _ = area.Create("new", new() { CapacityBytes = 256 }); break;
            case 3: _ = area.Remove(name, force: what > 127); break;
            case 4:
                RingTap tap = area.Tap(name, what / 8 % 4);
                for (int look = 0; look < 4; look++) _ = tap.TryLook(_buffer, out int _);
                break;
            case 5:
                _areas[what % 2] = null;
                for (int slot = what % 2; slot < _ends.Length; slot += 2) Close(slot);   // the area would close them itself
                area.Dispose();
                break;
            case 6: _ = area.Create(name, new() { Kind = (ChannelKind)(1 + (what / 8 % Kinds)), CapacityBytes = 1024 }); break;
            default: _ = area.Remove("new"); break;
        }
    }

    private void Lie(ref ByteScript script)
    {
        int page = script.Byte() % (AreaBytes / Block), word = script.Byte() * 8, what = script.Byte();
        SharedWord64 at = _window.Word64(Guard + (page * Block) + word);
        at.WriteRelease((what % 4) switch
        {
            0 => _values[what / 4 % _values.Length],
            1 => (ulong)script.Int64(),
            2 => at.ReadAcquire() + (ulong)(8 * ((what / 4) - 32)),
            _ => at.ReadAcquire() ^ (1UL << (what / 4)),
        });
    }

    private void Let(byte seed)
    {
        _seed = seed;
        _scribbles.Set();
    }

    // Mostly in the first kilobyte of a block, where its words and the ring's begin are.
    private void Scribble()
    {
        while (!_isOver)
        {
            _scribbles.Wait();
            var random = new Random(_seed);
            while (_scribbles.IsSet && !_isOver)
            {
                SharedWord64 at = _window.Word64(Guard + (random.Next(AreaBytes / Block) * Block) + (8 * random.Next(random.Next(4) == 0 ? Block / 8 : 128)));
                at.WriteRelease(random.Next(3) switch { 0 => _values[random.Next(_values.Length)], 1 => at.ReadAcquire() + 8, _ => (ulong)random.NextInt64() });
                for (int pause = random.Next(400); pause > 0; pause--) SharedFence.Pause();
            }
        }
    }

    private void CheckPlace(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        nint at = Unsafe.ByteOffset(ref Unsafe.As<uint, byte>(ref _window.Word32(0).Reference), ref MemoryMarshal.GetReference(bytes));
        FuzzFinding.Require(at >= Guard + Block && at + bytes.Length <= Guard + AreaBytes, $"{bytes.Length} bytes at {at} of the window were handed out; the channels are at {Guard + Block} to {Guard + AreaBytes}.");
    }

    private void CheckGuards()
    {
        byte[] found = new byte[Guard];
        foreach (int at in (int[])[0, Guard + AreaBytes])
        {
            _window.View(at, Guard).CopyOut(0, found);
            FuzzFinding.Require(found.AsSpan().SequenceEqual(_guard), $"Something was written outside the area, behind {at}.");
        }
    }

    private static string NameOf(int kind) => ((ChannelKind)(kind + 1)).ToString();

    // Two parties that live; nobody else does. Their sleeps end at once.
    private sealed class FuzzParty(int number) : IParty
    {
        public PartyId Id { get; } = PartyId.Of(PartyKind.Peer, number, 1);

        public AreaDomain Domain => default;

        public void Join(PartyTable parties) { }

        public void Leave(PartyTable parties) { }

        public bool IsAlive(PartyId party) => party.Kind == PartyKind.Peer && party.Number is 1 or 2 && party.Birth == 1;

        public bool IsCovered(uint right) => right == ChannelRights.Anybody || right == (uint)number;

        public IDisposable? Watch(PartyId party, Action died) => IsAlive(party) ? this : null;

        public void Sleep(SharedWord32 word, uint value, TimeSpan timeout) { }

        public ValueTask SleepAsync(SharedWord32 word, uint value, TimeSpan timeout) => default;

        public void Wake(PartyId party, SharedWord32 word) { }

        public void Dispose() { }
    }
}
