// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>A server's end of the keeper's socket: what it stores there outlives it.</summary>
/// <remarks>Not thread-safe: it belongs to one loop.</remarks>
public sealed class KeeperLink : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20), _retry = TimeSpan.FromSeconds(1);

    private KeeperLink(SafeFd socket) => Socket = socket;

    /// <summary>The socket; readable without a question asked means that the keeper is gone.</summary>
    public SafeFd Socket { get; }

    /// <summary>False once a packet could not be sent.</summary>
    public bool IsAlive { get; private set; } = true;

    /// <summary>Connects to a keeper that runs already.</summary>
    /// <param name="path">Its socket.</param>
    /// <returns>The link, or null where there is none.</returns>
    public static KeeperLink? TryConnect(string path)
    {
        try { return new(UnixSocket.Connect(path, UnixSocketKind.SequencedPacket, TimeSpan.FromSeconds(2))); }
        catch (LinuxException exception) when (exception.Errno is Errno.NoEntry or Errno.ConnectionRefused) { return null; }
    }

    /// <summary>Starts a keeper and connects to it.</summary>
    /// <param name="command">Program and arguments; the path is added as the last.</param>
    /// <param name="path">Where it shall listen.</param>
    /// <exception cref="IvshmemException">It did not start.</exception>
    public static KeeperLink Launch(IReadOnlyList<string> command, string path)
    {
        var start = new ProcessStartInfo(command[0]) { RedirectStandardOutput = true, RedirectStandardInput = true, UseShellExecute = false };
        foreach (string argument in command.Skip(1)) start.ArgumentList.Add(argument);
        start.ArgumentList.Add(path);
        try
        {
            using Process process = Process.Start(start)!;
            Task<string?> ready = process.StandardOutput.ReadLineAsync();
            if (!ready.Wait(_patience) || ready.Result != "ready")
                throw new IvshmemException($"The keeper '{command[0]}' did not get ready at '{path}': it said '{(ready.IsCompleted ? ready.Result : "nothing")}'.");
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new IvshmemException($"The keeper '{command[0]}' cannot be started: {exception.Message}.", exception);
        }
        return TryConnect(path) ?? throw new IvshmemException($"The keeper '{command[0]}' got ready, but nobody listens at '{path}'.");
    }

    /// <summary>Starts a keeper in place of one that is gone; on a thread of its own, for a process takes a while to start and no loop shall wait for it.</summary>
    /// <param name="command">Program and arguments; the path is added as the last.</param>
    /// <param name="path">Where it shall listen.</param>
    /// <param name="isStopping">Whether nobody needs it any more; asked before each attempt.</param>
    /// <param name="use">Gets the link, which it owns.</param>
    /// <param name="failed">Hears why an attempt failed; the next comes a second later.</param>
    public static void Replace(IReadOnlyList<string> command, string path, Func<bool> isStopping, Action<KeeperLink> use, Action<string> failed) =>
        _ = Task.Factory.StartNew(() => ReplaceAsync(command, path, isStopping, use, failed), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static async Task ReplaceAsync(IReadOnlyList<string> command, string path, Func<bool> isStopping, Action<KeeperLink> use, Action<string> failed)
    {
        for (; !isStopping(); await Task.Delay(_retry))
        {
            try
            {
                use(Launch(command, path));
                return;
            }
            catch (TomboloException exception) { failed(exception.Message); }
        }
    }

    /// <summary>Has descriptors kept under a name, in place of what was there.</summary>
    /// <param name="name">At most 50 bytes, without '#'.</param>
    /// <param name="fds">Borrowed; the keeper gets duplicates.</param>
    public void Store(string name, params ReadOnlySpan<SafeFd> fds)
    {
        for (int at = 0; at < fds.Length; at += UnixSocket.MaxFdsPerMessage)
        {
            ReadOnlySpan<SafeFd> part = fds[at..Math.Min(at + UnixSocket.MaxFdsPerMessage, fds.Length)];
            Send(new(KeeperOperation.Store, PartName(name, at)), part);
        }
    }

    /// <summary>Has a name, stored with that many descriptors, forgotten.</summary>
    /// <param name="name">The name.</param>
    /// <param name="count">How many descriptors were stored under it.</param>
    public void Remove(string name, int count = 1)
    {
        for (int at = 0; at < count; at += UnixSocket.MaxFdsPerMessage) Send(new(KeeperOperation.Remove, PartName(name, at)), []);
    }

    /// <summary>Tells the keeper to close everything and end.</summary>
    public void Quit() => Send(new(KeeperOperation.Quit, ""), []);

    /// <summary>Gets duplicates of everything that is kept.</summary>
    /// <returns>Descriptors by name, owned by the caller; empty where nothing is kept.</returns>
    /// <exception cref="IvshmemException">The keeper broke off, or this process has no descriptors left.</exception>
    public Dictionary<string, List<SafeFd>> TakeAll()
    {
        var parts = new SortedDictionary<(string Name, int At), List<SafeFd>>();
        try
        {
            ReceiveAll(parts);
        }
        catch
        {
            foreach (SafeFd fd in parts.Values.SelectMany(fds => fds)) fd.Dispose();
            throw;
        }
        var all = new Dictionary<string, List<SafeFd>>(StringComparer.Ordinal);
        foreach (((string name, _), List<SafeFd> fds) in parts)
            if (!all.TryAdd(name, fds)) all[name].AddRange(fds);
        return all;
    }

    /// <summary>Closes the link; the keeper goes on keeping.</summary>
    public void Dispose() => Socket.Dispose();

    private void ReceiveAll(SortedDictionary<(string Name, int At), List<SafeFd>> parts)
    {
        Send(new(KeeperOperation.Take, ""), []);
        Span<byte> bytes = stackalloc byte[KeeperPacket.MaxBytes + 1];
        using var inbox = new FdInbox();
        while (true)
        {
            SocketResult result = UnixSocket.Receive(Socket, bytes, inbox);
            if (result.IsWouldBlock && UnixSocket.Wait(Socket, forReading: true, _patience)) continue;
            if (!result.IsMoved || !KeeperPacket.TryRead(bytes[..result.Bytes], out KeeperPacket packet))
                throw new IvshmemException($"The keeper broke off while it handed out what it keeps ({result.Bytes} bytes, error {result.Errno}).");
            if (inbox.WasTruncated)
                throw new IvshmemException("The keeper holds more descriptors than this process may open; raise the limit (ulimit -n) and start again.");
            if (packet.Operation == KeeperOperation.End) return;
            int mark = packet.Name.LastIndexOf('#');
            if (packet.Operation != KeeperOperation.Entry || mark < 0 || !int.TryParse(packet.Name.AsSpan(mark + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int at))
                throw new IvshmemException($"The keeper hands out '{packet.Name}', which no server of this version stored; end that keeper to begin anew.");
            var fds = new List<SafeFd>();
            if (!parts.TryAdd((packet.Name[..mark], at), fds))
                throw new IvshmemException($"The keeper hands out '{packet.Name}' twice; end that keeper to begin anew.");
            while (inbox.TryTake(out SafeFd? fd)) fds.Add(fd);
        }
    }

    private void Send(KeeperPacket packet, ReadOnlySpan<SafeFd> fds)
    {
        if (IsAlive) IsAlive = PacketSender.TrySend(Socket, packet, fds);
    }

    private static string PartName(string name, int at) => string.Create(CultureInfo.InvariantCulture, $"{name}#{at}");
}
