// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Tombolo.Regions;

namespace Tombolo.Exercise;

/// <summary>The commands that share a picture through a region: a guest draws, host clients look.</summary>
internal sealed class PictureCommands(TextWriter output)
{
    private readonly Option<string> _region = new("--region") { Description = "The region.", HelpName = "name", Required = true };
    private readonly Option<string> _socket = new("--socket") { Description = "On the host: the regions' client socket.", HelpName = "path", Required = true };
    private readonly Option<uint> _frames = new("--frames", "-n") { Description = "draw: end after so many; 0: never. rate: measure so many.", HelpName = "number", DefaultValueFactory = static _ => 50 };
    private readonly Option<uint> _width = new("--width") { Description = "Pixels in a row.", HelpName = "pixels", DefaultValueFactory = static _ => 320 };
    private readonly Option<uint> _height = new("--height") { Description = "Rows.", HelpName = "pixels", DefaultValueFactory = static _ => 200 };
    private readonly Option<uint> _frame = new("--frame") { Description = "Wait for this frame or a later one.", HelpName = "number", DefaultValueFactory = static _ => 1 };
    private readonly Option<double> _timeout = new("--timeout") { Description = "Seconds to wait for a frame.", HelpName = "seconds", DefaultValueFactory = static _ => 60 };
    private readonly Argument<string> _file = new("file") { Description = "The PNG file to write." };

    /// <summary>The commands.</summary>
    public IEnumerable<Command> Create()
    {
        var draw = new Command("draw", "In a guest: draw frames into a region, and signal each.\nExample: tombolo-exercise draw --region screen --frames 0") { _region, _frames, _width, _height };
        draw.SetAction((parsed, stop) => Task.FromResult(Draw(parsed, stop)));
        var picture = new Command("picture", "On the host: save a frame as PNG.\nExample: tombolo-exercise picture --socket phone.sock --region screen --frame 30 screen.png") { _file, _region, _socket, _frame, _timeout };
        picture.SetAction(Picture);
        var rate = new Command("rate", "On the host: measure how many frames come in a second.\nExample: tombolo-exercise rate --socket phone.sock --region screen --frames 100") { _region, _socket, _frames, _timeout };
        rate.SetAction(Rate);
        return [draw, picture, rate];
    }

    private int Draw(ParseResult parsed, CancellationToken stop)
    {
        using GuestRegion region = GuestRegion.Open($"/dev/{parsed.GetValue(_region)}");
        int room = (int)(region.Descriptor.LengthBytes - region.DataOffset);
        var frame = new PictureFrame(parsed.GetValue(_width), parsed.GetValue(_height));
        if (!frame.Fits(room)) throw new ArgumentException($"Two frames of {frame.Width} x {frame.Height} pixels take more than the {room} bytes of region {parsed.GetValue(_region)}.");
        frame.Write(region.View(region.DataOffset, room));
        uint wanted = parsed.GetValue(_frames), number = region.View(region.DataOffset, room).ReadAcquire32(PictureFrame.NumberAt);
        byte[] pixels = new byte[frame.Bytes];
        uint first = number;
        while (!stop.IsCancellationRequested && (wanted == 0 || number - first < wanted))
        {
            number++;
            Painter.Paint(pixels, frame, number);
            region.View(region.DataOffset, room).CopyIn(frame.At(number), pixels);
            // ORDER: release; the frame's bytes before its number.  PAIRS WITH: the acquire in Next.
            region.View(region.DataOffset, room).WriteRelease32(PictureFrame.NumberAt, number);
            region.Signal(region.DataOffset + PictureFrame.NumberAt);
            if (number % 25 == 0) output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"DRAWN {number}"));
        }
        return 0;
    }

    private int Picture(ParseResult parsed)
    {
        using RegionClient region = Open(parsed);
        (uint number, PictureFrame frame, byte[] pixels) = Copy(region, parsed.GetValue(_frame), Patience(parsed));
        using (FileStream file = File.Create(parsed.GetValue(_file)!)) PngFile.Write(file, frame, pixels);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Frame {number}, {frame.Width} x {frame.Height} pixels, is in {parsed.GetValue(_file)}."));
        return 0;
    }

    private int Rate(ParseResult parsed)
    {
        using RegionClient region = Open(parsed);
        uint first = Next(region, 0, Patience(parsed)), number = first, wanted = parsed.GetValue(_frames), seen = 0;
        long start = Stopwatch.GetTimestamp();
        while (number - first < wanted)
        {
            number = Next(region, number, Patience(parsed));
            seen++;
        }
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(number - first) / seconds:0.0} frames a second: {number - first} frames in {seconds:0.00} s, woken for {seen} of them."));
        return 0;
    }

    private static (uint Number, PictureFrame Frame, byte[] Pixels) Copy(RegionClient region, uint wanted, TimeSpan patience)
    {
        for (uint number = 0; ;)
        {
            number = Next(region, number, patience);
            if (number < wanted || !PictureFrame.TryRead(region.Data(), out PictureFrame frame)) continue;
            byte[] pixels = new byte[frame.Bytes];
            region.Data().CopyOut(frame.At(number), pixels);
            if (region.Data().ReadAcquire32(PictureFrame.NumberAt) - number <= 1) return (number, frame, pixels);   // else it was painted over meanwhile
        }
    }

    // The newest frame's number, once it differs from one that is known; 0 is none.
    private static uint Next(RegionClient region, uint known, TimeSpan patience) =>
        region.Wait(region.DataOffset + PictureFrame.NumberAt, known, patience) ? region.Data().ReadAcquire32(PictureFrame.NumberAt)
            : throw new ExerciseException($"After {patience.TotalSeconds:0.#} s there is no frame after number {known} in region {region.Name}; 'tombolo-exercise draw' in the guest draws some.");

    private RegionClient Open(ParseResult parsed) => RegionClient.Open(parsed.GetValue(_region)!, new() { Socket = parsed.GetValue(_socket)!, ReadOnly = true });

    private TimeSpan Patience(ParseResult parsed) => parsed.GetValue(_timeout) is > 0 and <= 1_000_000 and var seconds ? TimeSpan.FromSeconds(seconds) : throw new ArgumentException("--timeout must be more than 0 and at most 1000000 seconds.");
}
