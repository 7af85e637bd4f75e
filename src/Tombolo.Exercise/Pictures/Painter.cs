// SPDX-License-Identifier: MIT
namespace Tombolo.Exercise;

/// <summary>Paints a tombolo: a bar of sand that joins an island to the shore, with a sun that rises and waves that move from frame to frame.</summary>
internal static class Painter
{
    private const int SunSteps = 120;

    /// <summary>Paints one frame.</summary>
    /// <param name="pixels">Receives three bytes a pixel, red, green, blue, from the top left.</param>
    /// <param name="frame">The picture's size.</param>
    /// <param name="number">The frame's number.</param>
    public static void Paint(Span<byte> pixels, PictureFrame frame, uint number)
    {
        float time = number % SunSteps / (float)SunSteps;
        int at = 0;
        for (int row = 0; row < frame.Height; row++)
        {
            float y = row / (float)frame.Height;
            float swell = 0.5f + (0.5f * MathF.Sin((y * 90) - (number * 0.35f)));
            for (int column = 0; column < frame.Width; column++)
            {
                (float red, float green, float blue) = Colour(column / (float)frame.Width, y, time, swell);
                pixels[at++] = Byte(red);
                pixels[at++] = Byte(green);
                pixels[at++] = Byte(blue);
            }
        }
    }

    private static (float Red, float Green, float Blue) Colour(float x, float y, float time, float swell)
    {
        const float Horizon = 0.42f;
        if (IsLand(x, y)) return y < Horizon + 0.05f ? (0.20f, 0.42f - (0.3f * (Horizon - y)), 0.22f) : (0.93f, 0.84f - (0.15f * y), 0.58f);
        float sunX = 0.15f + (0.7f * time), sunY = 0.34f - (0.24f * MathF.Sin(time * MathF.PI));
        if (y < Horizon)
        {
            float distance = MathF.Sqrt(((x - sunX) * (x - sunX) * 1.8f) + ((y - sunY) * (y - sunY)));
            float glow = MathF.Max(0, 1 - (distance * 2.2f));
            return distance < 0.06f ? (1, 0.93f, 0.55f) : (0.45f + (0.3f * y) + (0.4f * glow), 0.62f + (0.3f * y) + (0.2f * glow), 0.92f);
        }
        float depth = (y - Horizon) / (1 - Horizon);
        float glitter = MathF.Abs(x - sunX) < 0.03f + (0.06f * depth) ? 0.35f * swell : 0;
        return (0.05f + (0.10f * swell * depth) + glitter, 0.30f + (0.18f * swell) + glitter, 0.52f + (0.16f * swell) + (0.5f * glitter));
    }

    // The island behind, the bar of sand, and the shore in front.
    private static bool IsLand(float x, float y)
    {
        const float Horizon = 0.42f;
        float hill = 0.16f * MathF.Exp(-60 * (x - 0.68f) * (x - 0.68f));
        if (y > Horizon - hill && y < Horizon + 0.06f && hill > 0.02f) return true;
        float middle = 0.66f - (0.9f * (y - Horizon) * (y - Horizon)), half = 0.012f + (0.22f * (y - Horizon) * (y - Horizon));
        return (y >= Horizon + 0.05f && MathF.Abs(x - middle) < half) || y > 0.93f - (0.08f * x);
    }

    private static byte Byte(float value) => (byte)(Math.Clamp(value, 0, 1) * 255);
}
