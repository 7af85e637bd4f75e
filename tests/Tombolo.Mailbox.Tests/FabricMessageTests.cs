// SPDX-License-Identifier: MIT
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Tombolo.Mailbox.Tests;

public sealed class FabricMessageTests
{
    [Theory]
    [InlineData("ping", FabricWord.Ping)]
    [InlineData("ping\n", FabricWord.Ping)]
    [InlineData("ping\0\0", FabricWord.Ping)]
    [InlineData("ping !FZT=0", FabricWord.Ping)]
    [InlineData("pong", FabricWord.Pong)]
    [InlineData("Link CTL Peer-Attribute", FabricWord.AttributeQuery)]
    [InlineData("Link CTL ACK C-Class=Bridge,SID0=27,CID0=200", FabricWord.Attributes)]
    [InlineData("Link CTL NAK", FabricWord.Refusal)]
    [InlineData("Link CTL NAK no", FabricWord.Refusal)]
    [InlineData("Link RFC TTC=27us", FabricWord.RequestForConfiguration)]
    [InlineData("Link RFC TTC=27ms", FabricWord.Malformed)]
    [InlineData("Link RFC TTC=27", FabricWord.Malformed)]
    [InlineData("Link RFC TTC=-1us", FabricWord.Malformed)]
    [InlineData("Link RFC TTC=99999999999999999999us", FabricWord.Malformed)]
    [InlineData("Link RFC now", FabricWord.Malformed)]
    [InlineData("CTL-Write Space=0,PFMSID=27,PFMCID=1500,SID=27,CID=200,Tag=5", FabricWord.Assignment)]
    [InlineData("CTL-Write Space=0,SID=27,CID=200", FabricWord.Malformed)]
    [InlineData("CTL-Write Space=0,SID=x,CID=200,Tag=5", FabricWord.Malformed)]
    [InlineData("CTL-Write nonsense", FabricWord.Malformed)]
    [InlineData("Standalone Acknowledgment Tag=5,Reason=OK", FabricWord.Acknowledgment)]
    [InlineData("Standalone Acknowledgment Reason=OK", FabricWord.Malformed)]
    public void Parse_FabricMessage_KnowsTheWord(string text, FabricWord word) => Parse(text)!.Word.ShouldBe(word);

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("Ping")]
    [InlineData("pingpong")]
    [InlineData(" ping")]
    [InlineData("link CTL Peer-Attribute")]
    [InlineData("Link CTL Peer-Attributes")]
    [InlineData("CTL-Write Space=1,SID=27,CID=200,Tag=5")]
    [InlineData("ping!FZT=")]
    [InlineData("ping!FZT=x")]
    [InlineData("ping!FZT=7x")]
    [InlineData("ping!FZT=18446744073709551615")]
    [InlineData("!FZT=7")]
    public void Parse_AnythingElse_IsData(string text) => Parse(text).ShouldBeNull();

    [Fact]
    public void Parse_Assignment_HasAddressAndTag()
    {
        FabricMessage message = Parse("CTL-Write Space=0,PFMSID=27,PFMCID=1500,SID=27,CID=200,Tag=5")!;
        (message.Address, message.Tag, message.ValueOf("PFMCID")).ShouldBe((new SidCid(27, 200), 5ul, "1500"));
    }

    [Fact]
    public void Parse_Attributes_HasAddress() => Parse("Link CTL ACK C-Class=Bridge,SID0=27,CID0=300")!.Address.ShouldBe(new SidCid(27, 300));

    [Theory]
    [InlineData("ping!FZT=7", "pong!FZT=8")]
    [InlineData("ping!FZT=18446744073709551614", "pong!FZT=18446744073709551615")]
    [InlineData("ping", "pong")]
    public void InReplyTo_Tracker_GrowsByOne(string question, string answer) => FabricMessage.Pong.InReplyTo(Parse(question)!).ToString().ShouldBe(answer);

    [Fact]
    public void ToString_EveryMessage_IsReadBackTheSame()
    {
        Gen<ulong> number = Gen.OneOf(Gen.Choose(0, 100).Select(static n => (ulong)n), Gen.Choose(0, int.MaxValue).Select(static n => (ulong)n * 0x1_0000_0001), Gen.Constant(ulong.MaxValue));
        Gen<string> text = Gen.Elements("OK", "Z-switch", "a b", "no manager", "x=y");
        Gen<FabricMessage> messages = from a in number
                                      from b in number
                                      from c in number
                                      from words in text
                                      from tracker in Gen.OneOf(Gen.Constant<ulong?>(null), number.Where(static n => n != ulong.MaxValue).Select(static n => (ulong?)n))
                                      from which in Gen.Choose(0, 7)
                                      select (which switch
                                      {
                                          0 => FabricMessage.Ping,
                                          1 => FabricMessage.Pong,
                                          2 => FabricMessage.AttributeQuery,
                                          3 => FabricMessage.AttributesOf(words, new(a, b)),
                                          4 => FabricMessage.RefusalFor(words),
                                          5 => FabricMessage.RequestWithin(a),
                                          6 => FabricMessage.Assign(new(a, b), new(b, c), c),
                                          _ => FabricMessage.Acknowledge(a, words),
                                      }) with
                                      { Tracker = tracker };
        Prop.ForAll(messages.ToArbitrary(), message =>
        {
            FabricMessage back = FabricMessage.Parse(message.ToBytes())!;
            back.ToString().ShouldBe(message.ToString());
            (back.Word, back.Tracker, back.Tag, back.Address).ShouldBe((message.Word, message.Tracker, message.Tag, message.Address));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
    }

    [Fact]
    public void Parse_AnyBytes_NeverThrows()
    {
        string[] starts = ["", "ping", "Link CTL ", "Link CTL ACK ", "Link RFC ", "Link RFC TTC=", "CTL-Write ", "CTL-Write Space=0,", "Standalone Acknowledgment "];
        Gen<byte[]> bytes = from start in Gen.Elements(starts) from rest in ArbMap.Default.GeneratorFor<byte[]>() from end in Gen.Elements("", "!FZT=1", ",", "=") select (byte[])[.. Encoding.Latin1.GetBytes(start), .. rest, .. Encoding.Latin1.GetBytes(end)];
        Prop.ForAll(bytes.ToArbitrary(), static given => { _ = FabricMessage.Parse(given)?.Address; }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    [Fact]
    public void Parse_LongerThanALine_IsData() => FabricMessage.Parse([.. Encoding.ASCII.GetBytes("Link CTL NAK "), .. new byte[FabricMessage.MaxBytes]]).ShouldBeNull();

    private static FabricMessage? Parse(string text) => FabricMessage.Parse(Encoding.Latin1.GetBytes(text));
}
