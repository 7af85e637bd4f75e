// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Mailbox;

namespace Tombolo.Fuzz.Targets;

/// <summary>The fabric's words in a peer's message: understood, refused or data, and what is understood can be written back.</summary>
internal sealed class MailboxWordsTarget : IFuzzTarget
{
    private static readonly string[] _words =
    [
        "ping", "pong", "Link CTL Peer-Attribute", "Link CTL ACK ", "Link CTL NAK", "Link RFC ", "TTC=", "us", "CTL-Write ", "Space=0,", "PFMSID=27,", "PFMCID=1500,", "SID=", "CID=", "Tag=",
        "Standalone Acknowledgment ", "Reason=OK", "!FZT=", "C-Class=", "SID0=27", "CID0=100", "18446744073709551615", "99999999999999999999", ",", "=",
    ];

    private static readonly string[] _seeds =
    [
        "", "ping", "pong!FZT=41", "ping!FZT=18446744073709551615", "Link CTL Peer-Attribute", "Link CTL ACK C-Class=x,SID0=1,CID0=2", "Link CTL NAK no", "Link RFC TTC=50us", "Link RFC TTC=50ms",
        "CTL-Write Space=0,PFMSID=27,PFMCID=1500,SID=27,CID=100,Tag=7", "Standalone Acknowledgment Tag=7,Reason=OK", "hello",
    ];

    public string Name => "mailbox-words";

    public IReadOnlyList<byte[]> Words { get; } = [.. _words.Select(Encoding.Latin1.GetBytes)];

    public IEnumerable<byte[]> Seeds() => _seeds.Select(Encoding.Latin1.GetBytes);

    public string Run(ReadOnlySpan<byte> input)
    {
        if (FabricMessage.Parse(input) is not { } message) return "data";
        _ = (message.Address, message.Tag, message.TimeToConfiguration, message.ValueOf("SID"));
        FabricMessage answer = FabricMessage.Pong.InReplyTo(message);
        FuzzFinding.Require(answer.Tracker is null || answer.Tracker == message.Tracker + 1, "The answer's tracker does not follow the question's.");
        if (message.Word == FabricWord.Malformed) return $"malformed: {string.Concat(message.Reason.Where(char.IsAsciiLetter).Take(24))}";
        if (message.Word == FabricWord.Attributes && message.Pairs.Count == 0) return "no attributes";   // white space at the end does not count, so what is written is another text
        FabricMessage? again = FabricMessage.Parse(message.ToBytes());
        FuzzFinding.Require(again?.Word == message.Word, $"'{message}' does not read as itself: '{again}'.");
        return $"{message.Word}{(message.Tracker is null ? "" : " tracked")}";
    }

    public void Dispose() { }
}
