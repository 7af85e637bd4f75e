// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Exercise;

/// <summary>A guest's way in: the driver's character device.</summary>
/// <remarks>One thread reads, and answers in between. Writes wait in the driver until the message was taken, so each says whether its own message was.</remarks>
internal sealed class DeviceLink : IExerciseLink
{
    /// <summary>What the driver's device nodes are called, before the PCI address.</summary>
    public const string Prefix = "tombolo_bridge_";

    private readonly SafeFd _reader, _writer;
    private readonly string _attributes;
    private readonly Doorbell _stop = Doorbell.Create();
    private readonly TaskCompletionSource<string?> _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] _answer;
    private readonly ThreadLocal<byte[]> _outgoing;
    private Thread? _thread;

    public DeviceLink(string path, string attributes)
    {
        (Name, _attributes) = (path, attributes);
        MaxMessage = Attribute("max_message");
        _answer = new byte[DeviceText.MaxPrefix + MaxMessage];
        _outgoing = new(() => new byte[DeviceText.MaxPrefix + MaxMessage]);
        _reader = CharacterDevice.OpenReader(path);
        try { _writer = CharacterDevice.OpenWriter(path); }
        catch
        {
            _reader.Dispose();
            _stop.Dispose();
            throw;
        }
    }

    public string Name { get; }
    public int MaxMessage { get; }
    public Task<string?> Broken => _broken.Task;

    /// <summary>The device to use where none was named.</summary>
    /// <exception cref="ExerciseException">There is none, or more than one.</exception>
    public static string Find(string folder = "/dev")
    {
        string[] found = [.. Directory.GetFileSystemEntries(folder, Prefix + "*").Order(StringComparer.Ordinal)];
        return found.Length switch
        {
            1 => found[0],
            0 => throw new ExerciseException($"There is no {folder}/{Prefix}*: load tombolo_bridge.ko in a guest, or give --socket on a host."),
            _ => throw new ExerciseException($"There are {found.Length} mailbox devices ({string.Join(", ", found)}): choose one with --device."),
        };
    }

    /// <summary>Opens a device; its attributes are beside it in /sys.</summary>
    public static DeviceLink Open(string path) => new(path, $"/sys/class/misc/{Path.GetFileName(path)}/device");

    public IReadOnlyList<Neighbour> Neighbours() =>
        DeviceText.ReadPeers(File.ReadAllText(Path.Combine(_attributes, "peers")), Attribute("own_id"), Attribute("server_id"));

    public void Listen(MessageArrived arrived)
    {
        _thread = new(() => Run(arrived)) { Name = "device", IsBackground = true };
        _thread.Start();
    }

    public Outcome Send(Correspondent to, ReadOnlySpan<byte> message) => Write(_outgoing.Value!, to, message);

    public void Answer(Correspondent to, ReadOnlySpan<byte> message) => _ = Write(_answer, to, message);

    public async ValueTask DisposeAsync()
    {
        _ = _stop.Ring();
        if (_thread is null) _broken.TrySetResult(null);
        _ = await _broken.Task;
        _thread?.Join();
        _reader.Dispose();
        _writer.Dispose();
        _stop.Dispose();
        _outgoing.Dispose();
    }

    private Outcome Write(byte[] buffer, Correspondent to, ReadOnlySpan<byte> message)
    {
        int prefix = DeviceText.WritePrefix(to, buffer);
        message.CopyTo(buffer.AsSpan(prefix));
        while (true)
        {
            SocketResult result = CharacterDevice.Write(_writer, buffer.AsSpan(0, prefix + message.Length));
            if (result.IsMoved) return Outcome.Delivered;
            if (result.Errno == Errno.Interrupted) continue;
            return result.Errno == Errno.TimedOut ? Outcome.TimedOut : Outcome.Unreachable;
        }
    }

    private void Run(MessageArrived arrived)
    {
        string? reason = null;
        try { reason = Read(arrived); }
        catch (Exception exception) { reason = exception.Message; }
        _broken.SetResult(reason);
    }

    private string? Read(MessageArrived arrived)
    {
        using var epoll = new Epoll();
        epoll.Add(_reader, EpollEvents.Readable, 0);
        epoll.Add(_stop.Descriptor, EpollEvents.Readable, 1);
        byte[] buffer = new byte[DeviceText.MaxPrefix + MaxMessage];
        Span<EpollReport> reports = stackalloc EpollReport[2];
        while (true)
        {
            SocketResult result = CharacterDevice.Read(_reader, buffer);
            if (result.IsMoved)
            {
                if (DeviceText.TryRead(buffer.AsSpan(0, result.Bytes), out Correspondent from, out ReadOnlySpan<byte> message)) arrived(from, message);
                continue;
            }
            if (!result.IsWouldBlock) return $"Reading {Name} failed (error {result.Errno}): the device is gone.";
            int count = epoll.Wait(reports, Timeout.InfiniteTimeSpan);
            foreach (EpollReport report in reports[..count]) if (report.Token == 1) return null;
        }
    }

    private int Attribute(string name) => int.Parse(File.ReadAllText(Path.Combine(_attributes, name)).Trim(), NumberStyles.None, CultureInfo.InvariantCulture);
}
