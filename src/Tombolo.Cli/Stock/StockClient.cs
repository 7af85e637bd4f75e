// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Cli.Editing;
using Tombolo.Ivshmem;
using Tombolo.Linux;

namespace Tombolo.Cli.Stock;

/// <summary>The stock client's commands and notices, on one connection.</summary>
/// <remarks>
/// A thread of its own waits for doorbells and for the server; commands come from another one, and use only what a participant allows from any thread.
/// Source: QEMU 7.2 contrib/ivshmem-client, observable behaviour. Differences: "quit" and the end of input end it; a peer's descriptors are not numbered in "dump".
/// </remarks>
internal sealed class StockClient : IDisposable
{
    /// <summary>What "help" shows.</summary>
    public static readonly IReadOnlyList<string> Help =
    [
        "dump: dump peers (including us)",
        "int <peer> <vector>: notify one vector on a peer",
        "int <peer> all: notify all vectors of a peer",
        "int all: notify all vectors of all peers (excepting us)",
        "quit: leave",
    ];

    private const ulong ControlToken = ulong.MaxValue, StopToken = ulong.MaxValue - 1;

    private readonly IvshmemClient _client;
    private readonly LineInput _lines;
    private readonly bool _verbose;
    private readonly SafeFd _stop = EventFd.Create();
    private readonly Thread _thread;
    private readonly TaskCompletionSource _disconnected = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Connects.</summary>
    /// <exception cref="TomboloException">There is no server, or it refuses.</exception>
    public StockClient(string socketPath, LineInput lines, bool verbose)
    {
        (_lines, _verbose) = (lines, verbose);
        _client = IvshmemClient.Connect(new() { SocketPath = socketPath });
        _client.Joined += peer => Tell(peer, joined: true);
        _client.Left += peer => Tell(peer, joined: false);
        if (verbose)
        {
            _lines.Print($"our_id={_client.Id}");
            foreach (PeerId peer in _client.Peers) Tell(peer, joined: true);
        }
        _thread = new(Listen) { Name = "ivshmem-client", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Ends when the server is gone.</summary>
    public Task Disconnected => _disconnected.Task;

    /// <summary>The descriptor of the connection, which the stock client names when it has one.</summary>
    public int Descriptor => _client.Control.Number;

    /// <summary>Runs one command.</summary>
    /// <param name="command">Without line end; several are parted by semicolons before.</param>
    public void Execute(string command)
    {
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        switch (words)
        {
            case ["help" or "?"]: foreach (string line in Help) _lines.Print(line); break;
            case ["dump"]: Dump(); break;
            case ["int", "all"] or ["int", "all", "all"]: foreach (PeerId peer in _client.Peers) RingAll(peer); break;
            case ["int", var peer] when TryFind(peer, out PeerId id): RingAll(id); break;
            case ["int", var peer, "all"] when TryFind(peer, out PeerId id): RingAll(id); break;
            case ["int", var peer, var vector] when TryFind(peer, out PeerId id) && int.TryParse(vector, NumberStyles.None, CultureInfo.InvariantCulture, out int number):
                if (number >= VectorsOf(id)) _lines.Print($"invalid vector {number} on peer {id}");
                else Ring(id, number);
                break;
            case ["int", var peer, ..] when words.Length <= 3 && int.TryParse(peer, NumberStyles.None, CultureInfo.InvariantCulture, out int number): _lines.Print($"cannot find peer_id = {number}"); break;
            default: _lines.Print("invalid command, type help"); break;
        }
    }

    /// <summary>Leaves.</summary>
    public void Dispose()
    {
        _ = EventFd.Signal(_stop);
        _thread.Join();
        _client.Dispose();
        _stop.Dispose();
    }

    private void Dump()
    {
        _lines.Print($"our_id = {_client.Id}");
        for (int vector = 0; vector < _client.Vectors.Count; vector++) _lines.Print($"  vector {vector} is enabled (fd={_client.Vectors[vector].Number})");
        foreach (PeerId peer in _client.Peers)
        {
            _lines.Print($"peer_id = {peer}");
            for (int vector = 0; vector < _client.VectorsOf(peer); vector++) _lines.Print($"  vector {vector} is enabled");
        }
    }

    private void Tell(PeerId peer, bool joined)
    {
        if (!_verbose) return;
        _lines.Print(joined ? $"new peer id = {peer}" : $"delete peer {peer}");
        for (int vector = 0; joined && vector < _client.VectorsOf(peer); vector++) _lines.Print($"  new vector {vector} for peer id {peer}");
    }

    private bool TryFind(string text, out PeerId id)
    {
        bool isId = ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number);
        id = new(number);
        return isId && (id == _client.Id || _client.Peers.Contains(id));
    }

    private int VectorsOf(PeerId peer) => peer == _client.Id ? _client.Vectors.Count : _client.VectorsOf(peer);

    private void RingAll(PeerId peer)
    {
        for (int vector = 0; vector < VectorsOf(peer); vector++) Ring(peer, vector);
    }

    private void Ring(PeerId peer, int vector)
    {
        if (_verbose) _lines.Print($"notify peer {peer} on vector {vector}");
        if (peer == _client.Id) _ = EventFd.Signal(_client.Vectors[vector]);
        else if (!_client.Ring(peer, vector)) _lines.Print($"cannot find peer_id = {peer}");   // it left in this moment
    }

    private void Listen()
    {
        using Epoll epoll = new();
        epoll.Add(_stop, EpollEvents.Readable, StopToken);
        epoll.Add(_client.Control, EpollEvents.Readable, ControlToken);
        int watched = Watch(epoll, 0);
        EpollReport[] reports = new EpollReport[64];
        while (true)
        {
            int count = epoll.Wait(reports, Timeout.InfiniteTimeSpan);
            foreach (EpollReport report in reports.AsSpan(0, count))
            {
                if (report.Token == StopToken) return;
                if (report.Token == ControlToken)
                {
                    if (!Hear()) return;
                    watched = Watch(epoll, watched);
                }
                else if (EventFd.TryRead(_client.Vectors[(int)report.Token], out _)) _lines.Print($"receive notification from peer_id={_client.Id} vector={report.Token}");
            }
        }
    }

    // A server that paused in its handshake may still add to our vectors.
    private int Watch(Epoll epoll, int watched)
    {
        for (; watched < _client.Vectors.Count; watched++) epoll.Add(_client.Vectors[watched], EpollEvents.Readable, (ulong)watched);
        return watched;
    }

    private bool Hear()
    {
        try
        {
            if (_client.ProcessControl()) return true;
            _disconnected.SetResult();
        }
        catch (TomboloException exception)
        {
            _lines.Print(exception.Message);
            _disconnected.SetResult();
        }
        return false;
    }
}
