// SPDX-License-Identifier: MIT
using System.Text;

namespace Tombolo.Store.Tests;

/// <summary>A caller of the engine without a connection: what it is told is kept as text.</summary>
internal sealed class MemorySession(StoreEngine engine, ushort domain = 0) : StoreSession(new(domain))
{
    private readonly byte[] _room = new byte[MessageBytes];
    private readonly List<(StoreHeader Header, byte[] Payload)> _told = [];
    private uint _request;

    /// <summary>False: its reader is slow, events have no room.</summary>
    public bool TakesEvents { get; set; } = true;

    /// <summary>Events since the last look: "path token".</summary>
    public string[] Events
    {
        get
        {
            string[] events = [.. _told.Where(one => one.Header.Operation == StoreOperation.WatchEvent).Select(one => Encoding.ASCII.GetString(one.Payload).TrimEnd('\0').Replace('\0', ' '))];
            _told.Clear();
            return events;
        }
    }

    public override Span<byte> Reply() => _room;

    public override bool TryEvent(int bytes, out Span<byte> room)
    {
        room = _room;
        return TakesEvents;
    }

    public override void Advance(int bytes)
    {
        StoreHeader.TryRead(_room, out StoreHeader header).ShouldBeTrue();
        bytes.ShouldBe(16 + (int)header.Length);
        _told.Add((header, _room[16..bytes]));
    }

    /// <summary>Asks, and gives the reply's payload: "!ERROR" for an error. Zeros are shown as '|', but for a last one.</summary>
    public string Ask(StoreOperation operation, string payload, uint transaction = 0)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(payload.Replace('|', '\0'));
        engine.Handle(this, new(operation, ++_request, transaction, (uint)bytes.Length), bytes);
        (StoreHeader header, byte[] answer) = _told.Single(one => one.Header.Operation != StoreOperation.WatchEvent);
        _ = _told.RemoveAll(one => one.Header.Operation != StoreOperation.WatchEvent);
        (header.RequestId, header.TransactionId).ShouldBe((_request, transaction));
        string text = Encoding.Latin1.GetString(answer);
        text = (text.EndsWith('\0') ? text[..^1] : text).Replace('\0', '|');
        if (header.Operation == StoreOperation.Error) return "!" + text;
        header.Operation.ShouldBe(operation);
        return text;
    }

    public string Read(string path, uint transaction = 0) => Ask(StoreOperation.Read, path + "|", transaction);

    public string Write(string path, string value, uint transaction = 0) => Ask(StoreOperation.Write, $"{path}|{value}", transaction);

    public string Remove(string path, uint transaction = 0) => Ask(StoreOperation.Remove, path + "|", transaction);

    public string List(string path, uint transaction = 0) => Ask(StoreOperation.Directory, path + "|", transaction);

    public string Allow(string path, string permissions, uint transaction = 0) => Ask(StoreOperation.SetPermissions, $"{path}|{permissions.Replace(',', '|')}|", transaction);

    public string Watch(string path, string token = "t") => Ask(StoreOperation.Watch, $"{path}|{token}|");

    public uint Begin() => uint.Parse(Ask(StoreOperation.TransactionStart, "|"), System.Globalization.CultureInfo.InvariantCulture);

    public string End(uint transaction, bool commit = true) => Ask(StoreOperation.TransactionEnd, commit ? "T|" : "F|", transaction);
}

/// <summary>A sink that has room, and counts what it hears.</summary>
internal sealed class OpenSink : IEngineSink
{
    public bool IsFull { get; set; }
    public List<string> Quotas { get; } = [];
    public List<StoreChange> Changes { get; } = [];
    public bool HasRoom(int bytes) => !IsFull;
    public void Changed(in StoreChange change) => Changes.Add(change);
    public void WatchAdded(StoreWatch watch) { }
    public void WatchRemoved(StoreWatch watch) { }
    public void TransactionBegun(StoreSession session, uint id) { }
    public void TransactionEnded(StoreSession session, uint id) { }
    public void DomainKnown(DomainId domain, DomainId? target) { }
    public void DomainGone(DomainId domain) { }
    public void QuotaHit(DomainId domain, string quota, string sentence) => Quotas.Add($"{domain} {quota}");
}
